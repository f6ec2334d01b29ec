import Foundation
import Testing

/// Within a target folders stand on floors, and a file names only what stands on its own floor's folder or below: so each folder can be
/// read once those below are known, and none goes round in a circle with another.
///
/// Names are compared as words. So a type whose name another folder has as well counts as both: it gets a name of its own.
@Suite struct FloorTests {
  /// The folders of each target that has several, from the lowest floor up; "" is the target's own folder.
  static let floors: [String: [String]] = [
    "GatehouseCore": [
      "Support", "Hot", "Allowances", "Limits", "Errors", "Settings", "Keys", "Accounts", "Events", "Sessions", "Work", "Gate", "Exports",
      "Domain",
    ],
    "GatehouseCrypto": ["", "Passwords"],
    "GatehouseHTTP": ["Payloads", "Endpoint", "Edge", "Caller", "Guard", "Handlers", "FastPath", ""],
    "GatehouseLedger": ["Transactions", "Queues", "Records"],
    "LedgerSQLite": ["Statements", "File", "Log", "Schema", ""],
    "RedisClient": ["Values", "Hiredis", "Connection", ""],
    "gatehouse": ["Output", "DataFolder", "Configuration", "Assembly", "Commands", "Commands/Explain", ""],
  ]

  /// One folder's file, without what its comments and literals say.
  private struct Source {
    let path: String
    let folder: String
    let code: String
  }

  @Test("A file names only what its own folder and those below it declare", arguments: floors.keys.sorted())
  func directions(target: String) throws {
    let floors = try #require(Self.floors[target])
    let sources = try Self.sources(of: target)
    var homes: [Substring: Set<String>] = [:]
    for source in sources {
      #expect(floors.contains(source.folder), "\(source.path) stands on no floor: give its folder one in this table")
      for match in source.code.matches(of: Self.declaration) { homes[match.output.1, default: []].insert(source.folder) }
    }
    for source in sources {
      guard let own = floors.firstIndex(of: source.folder) else { continue }
      for name in Set(source.code.matches(of: Self.name).map(\.output)) {
        for home in homes[name, default: []] where floors.firstIndex(of: home) ?? own > own {
          Issue.record("\(source.path) names \(name), which \(home) above it declares: move one of them, or rename one of two types")
        }
      }
    }
  }

  @Test("Every target with several folders has its floors in the table")
  func whole() {
    var folders: [String: Set<String>] = [:]
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      let parts = file.path.split(separator: "/")
      folders[String(parts[1]), default: []].insert(parts.dropFirst(2).dropLast().joined(separator: "/"))
    }
    let several = Set(folders.filter { $0.value.count > 1 }.keys)
    #expect(several.subtracting(Self.floors.keys).isEmpty)
    #expect(Set(Self.floors.keys).subtracting(several).isEmpty)
  }

  /// A type of at least four letters that other files can name, or could.
  private static var declaration: Regex<(Substring, Substring)> {
    #/(?m)^ {0,2}(?:(?:public|internal|private|fileprivate|package|final|indirect|@\w+(?:\([^)]*\))?)\s+)*(?:struct|class|enum|actor|protocol|typealias)\s+(\w{4,})/#
  }

  private static var name: Regex<Substring> { /\b[A-Z]\w{3,}\b/.wordBoundaryKind(.simple) }

  private static func sources(of target: String) throws -> [Source] {
    let root = "Sources/\(target)/"
    return SourceTree.sources.filter { $0.path.hasPrefix(root) && $0.path.hasSuffix(".swift") }.map { file in
      let inner = file.path.dropFirst(root.count).split(separator: "/").dropLast().joined(separator: "/")
      return Source(path: file.path, folder: inner, code: bare(file.lines))
    }
  }

  /// The lines without comments and the texts of literals.
  private static func bare(_ lines: [String]) -> String {
    var isInText = false
    var code: [String] = []
    for line in lines {
      if line.contains(#"""""#) {
        let marks = line.components(separatedBy: #"""""#).count - 1
        if marks % 2 == 1 { isInText.toggle() }
        continue
      }
      if isInText { continue }
      let whole = line.replacing(/"(?:\\.|[^"\\])*"/, with: "")
      code.append(whole.components(separatedBy: "//").first ?? "")
    }
    return code.joined(separator: "\n")
  }
}
