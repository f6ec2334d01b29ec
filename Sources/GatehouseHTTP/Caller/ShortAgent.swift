/// The short form of a `User-Agent` in a device list: `Firefox 140 on Linux`, `App 3.2 on Android`.
enum ShortAgent {
  /// The longest form, in bytes: what the hot state keeps of it.
  static let bytesMax = 40

  // The first that is found counts: most browsers also name those that they descend from.
  private static let browsers: [(token: String, name: String)] = [
    ("Edg", "Edge"), ("EdgA", "Edge"), ("EdgiOS", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Version", "Safari"),
  ]
  private static let systems: [(word: String, name: String)] = [
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("iOS", "iOS"), ("Windows", "Windows"), ("Macintosh", "macOS"),
    ("macOS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
  ]

  /// The short form; nil when nothing printable is left.
  static func text(_ agent: String) -> String? {
    let clean = String(decoding: agent.utf8.filter { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "|") }, as: UTF8.self)
    let words = clean.split { " ();,".contains($0) }
    let short = program(words).map { program in
      systems.first { system in words.contains { $0.hasPrefix(system.word) } }.map { "\(program) on \($0.name)" } ?? program
    }
    let bounded = String((short ?? clean).utf8.prefix(bytesMax)) ?? ""
    return bounded.isEmpty ? nil : bounded
  }

  private static func program(_ words: [Substring]) -> String? {
    let products = words.compactMap { word -> (name: Substring, version: Substring)? in
      let parts = word.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, parts[1].first?.isNumber == true else { return nil }
      return (parts[0], parts[1])
    }
    if products.first?.name == "Mozilla" {
      for browser in browsers {
        guard let product = products.first(where: { $0.name == browser.token }) else { continue }
        return "\(browser.name) \(product.version.prefix { $0 != "." })"
      }
    }
    return products.first.map { "\($0.name) \($0.version.split(separator: ".").prefix(2).joined(separator: "."))" }
  }
}
