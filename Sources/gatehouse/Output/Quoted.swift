/// Given texts as sentences show them.
enum Quoted {
  private static let charactersMax = 60

  /// In quotation marks, on one line, and not too long.
  static func text(_ given: String) -> String {
    let short = given.count > charactersMax ? given.prefix(charactersMax) + "…" : Substring(given)
    return "\"" + short.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : String($0) }.joined() + "\""
  }
}
