import Testing

/// A word means one thing, and a thing has one word: docs/glossary.md.
@Suite struct WordTests {
  /// A word whose second sense has another name, or its own place.
  struct Word: CustomTestStringConvertible {
    let pattern: String
    /// Where the pattern means what the glossary says, by the beginnings of paths.
    var places: [String] = []
    let instead: String
    var testDescription: String { pattern }
  }

  static let words: [Word] = [
    Word(
      pattern: #"\b(func|self\.)\s*drain\("#, places: ["Tests/EndToEndTests/CommandServeTests.swift"],
      instead: "drain is the time between SIGTERM and the end: a queue serves what waits"),
    Word(
      pattern: #"\b(class|struct|enum|actor) \w*Gate\b"#,
      places: ["Sources/GatehouseCore/Gate/", "Sources/GatehouseCore/Hot/", "Tests/ProtocolTests/Model/"],
      instead: "the gate decides on a question of a backend: what holds threads back is a latch"),
    Word(
      pattern: #"\b(class|struct|enum|actor|protocol) \w*Metric\b"#, places: ["Sources/MetricTable/", "Sources/GatehouseCore/Allowances/"],
      instead: "a metric is what plans count of users: a number of the service's own is a ServiceMetric"),
    Word(
      pattern: #"\b(class|struct|enum|actor) \w*Edge\b"#, places: ["Sources/GatehouseHTTP/Edge/", "Tests/"],
      instead: "the edge is the last stop of every answer"),
    Word(
      pattern: #"\b(class|struct|enum|actor) \w*Floor\b"#, places: ["Sources/GatehouseCore/Accounts/"],
      instead: "the floor is the earliest moment of an answer to a login"),
  ]

  @Test("A word of the glossary is not the name of another thing", arguments: words)
  func senses(word: Word) throws {
    let pattern = try Regex(word.pattern)
    for file in SourceTree.sources + SourceTree.tests where file.path.hasSuffix(".swift") && !file.path.hasSuffix("/WordTests.swift") {
      if word.places.contains(where: file.path.hasPrefix) { continue }
      for (number, line) in file.lines.enumerated() where line.contains(pattern) {
        Issue.record("\(file.path):\(number + 1): \(word.instead)")
      }
    }
  }

  @Test("No two types of the product that stand by themselves share a name")
  func names() throws {
    let declaration = try Regex(
      #"^(?:(?:public|package|fileprivate|private|final|indirect) )*(?:struct|class|enum|actor|protocol|typealias) ([A-Z]\w*)"#,
      as: (Substring, Substring).self)
    var first: [Substring: String] = [:]
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      for line in file.lines {
        guard let name = try declaration.prefixMatch(in: line)?.1 else { continue }
        if let other = first[name] { Issue.record("\(name) is in \(other) and in \(file.path): which one does a reader mean?") }
        first[name] = file.path
      }
    }
    #expect(first.count > 100, "the sources were read")
  }
}
