/// Finds what was written and is read by nobody: a misspelled key would otherwise be a setting that silently has no effect.
extension SettingsReader {
  /// After all settings are read: a problem for each key of the file that was not asked for, and for each environment variable
  /// that is nearly one of ours. Other variables with our prefix are left alone: platforms make them for services of that name.
  mutating func refuseUnknown() {
    for sentence in unknownKeys() + unknownVariables() { refuse(sentence) }
  }

  private func unknownKeys() -> [String] {
    guard let file else { return [] }
    var sentences: [String] = []
    for entry in file.entries where !asked.contains(entry.key) {
      let place = "(\(file.name), line \(entry.line))"
      let parts = entry.key.split(separator: ".").map(String.init)
      if asked.contains(where: { $0.hasPrefix(entry.key + ".") }) {
        if !entry.isEmpty { sentences.append("\(entry.key) \(place) is a section: its keys stand below it, indented.") }
      } else if parts.count > 1, Self.sections.contains(parts[0]), parts[1] != "names", parts.count > 2 || entry.isEmpty,
        !isNamed(parts[0], parts[1]) || parts.count == 2
      {
        // Its name is refused already, or nothing but the name stands there.
        continue
      } else {
        sentences.append("\(entry.key) \(place) is not a setting\(advice(entry.key, parts))")
      }
    }
    return sentences
  }

  /// The end of the sentence about a key that nobody asked for.
  private func advice(_ key: String, _ parts: [String]) -> String {
    func question(_ near: String?) -> String? { near.map { ": did you mean \($0)?" } }
    guard let last = parts.last, parts.count > 2, Self.sections.contains(parts[0]) else {
      return question(NearestWord.find(key, in: asked.sorted())) ?? "."
    }
    // The keys of another section with a name of its own are not what was meant: they are looked for beside it, then in its section.
    let parent = parts.dropLast().joined(separator: ".") + "."
    let siblings = asked.filter { $0.hasPrefix(parent) }.map { String($0.dropFirst(parent.count)) }
    if let near = NearestWord.find(last, in: siblings.sorted()) { return ": did you mean \(parent)\(near)?" }
    if parts.count == 4, let kind = ["allowances": "metric", "limit_by_plan": "plan"][parts[2]] { return ": there is no \(kind) \(last)." }
    return question(NearestWord.find(last, in: asked.filter { $0.hasPrefix("\(parts[0]).\(parts[1]).") }.sorted())) ?? "."
  }

  private func unknownVariables() -> [String] {
    let known = Dictionary(asked.map { (Self.variable($0), $0) }) { first, _ in first }
    let ours = environment.keys.filter { $0.hasPrefix("GATEHOUSE_") && known[$0] == nil && $0 != ConfigurationSource.variable }
    return ours.sorted().compactMap { name in
      let near = known.keys.map { ($0, NearestWord.distance(name, $0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
      guard let near, near.1 <= 2 else { return nil }
      return "The environment variable \(name) is not a setting: did you mean \(near.0)?"
    }
  }

  private func isNamed(_ section: String, _ name: String) -> Bool {
    asked.contains { $0.hasPrefix("\(section).\(name).") }
  }
}
