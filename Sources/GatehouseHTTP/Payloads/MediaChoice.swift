/// Which of several media types a request wants, by its `Accept` header (RFC 9110, 12.5.1).
enum MediaChoice {
  /// The most ranges of a header that are looked at.
  private static let rangesMax = 32

  private struct Range {
    let type: String
    let weight: Double

    /// How closely the range names `media`: 3 exactly, 2 by its main type, 1 by `*/*`, 0 not at all.
    func closeness(_ media: String) -> Int {
      if type == media { return 3 }
      if type == "*/*" { return 1 }
      return type.hasSuffix("/*") && media.hasPrefix(type.dropLast()) ? 2 : 0
    }
  }

  /// The member of `offered` with the highest weight; among equals the one that is named most closely, then the first. Nil when none
  /// is acceptable. Without a range the first.
  static func best(_ accept: String?, offered: [String]) -> String? {
    let ranges = (accept ?? "").split(separator: ",").prefix(rangesMax).map(range)
    if ranges.isEmpty { return offered.first }
    var best: (media: String, weight: Double, closeness: Int)?
    for media in offered {
      guard let range = ranges.max(by: { $0.closeness(media) < $1.closeness(media) }) else { continue }
      let closeness = range.closeness(media)
      guard closeness > 0, range.weight > 0, (range.weight, closeness) > (best?.weight ?? 0, best?.closeness ?? 0) else { continue }
      best = (media, range.weight, closeness)
    }
    return best?.media
  }

  private static func range(_ text: Substring) -> Range {
    let parts = text.split(separator: ";")
    let weight = parts.dropFirst().lazy.map { $0.trimmed.lowercased() }.first { $0.hasPrefix("q=") }
    return Range(type: (parts.first ?? "").trimmed.lowercased(), weight: weight.map { Double($0.dropFirst(2)) ?? 0 } ?? 1)
  }
}
