import Foundation
import Testing

/// The rules of the house that a machine can check.
@Suite struct TidyTests {
  /// A pattern that may not be written, where, and what to write instead.
  struct Ban: Sendable, CustomTestStringConvertible {
    let pattern: String
    let instead: String
    var inTests = true
    /// Python and shell as well.
    var inScripts = false
    var except: [String] = []
    var testDescription: String { pattern }
  }

  static let bans: [Ban] = [
    Ban(pattern: #"\btry!"#, instead: "try, and let the caller decide"),
    Ban(pattern: #"\bas!"#, instead: "as?, and say what is wrong"),
    Ban(pattern: #"\b(TO"# + #"DO|FIX"# + #"ME|XX"# + #"X)\b"#, instead: "finish it, or leave it out", inScripts: true),
    // A process whose cryptography fails stops rather than go on without it; two scripts of one name can't be started with.
    Ban(
      pattern: #"\b(fatalError|precondition|preconditionFailure)\("#, instead: "a typed error; no input stops the process", inTests: false,
      except: ["Sources/GatehouseCrypto/", "Sources/RedisClient/RedisClient.swift"]),
    Ban(pattern: #"\bprint\("#, instead: "the log, or a command's Output, which says what can't be written", inTests: false),
    Ban(
      pattern: #"\bThread\.sleep|\bsleep\("#, instead: "wait for a condition"),
    Ban(
      pattern: #"\bRunLoop\b|\bDispatchSemaphore\b"#, instead: "structured concurrency", inTests: false,
      except: ["Sources/GatehouseCrypto/HashPool.swift"]),
    Ban(pattern: #"\b(class|struct|enum|actor|protocol) \w*(Manager|Helper|Utils|Util)\b"#, instead: "a noun that says what it is"),
    Ban(
      pattern: #"\b(Counter|Gauge|Timer|Recorder)\(label:"#, instead: "a row of the table of metrics", except: ["Sources/MetricTable/"]),
    Ban(pattern: #"throws\(Problem\)"#, instead: "throws: the optimizer of Swift 6.3 fails on the typed form in async functions"),
    Ban(pattern: #"\.disabled\(|\bXCTSkip\b"#, instead: "a test that runs"),
    Ban(pattern: #"\b(KEYS|SCAN|CONFIG|FLUSHALL)\b.*send\("#, instead: "the scripts", inTests: false),
  ]

  @Test("Nothing that the house bans is in it", arguments: bans)
  func banned(ban: Ban) throws {
    let pattern = try Regex(ban.pattern)
    let files = SourceTree.sources + (ban.inTests ? SourceTree.tests : []) + (ban.inScripts ? SourceTree.scripts : [])
    for file in files where ban.inScripts || file.path.hasSuffix(".swift") {
      if ban.except.contains(where: file.path.hasPrefix) || file.path.hasSuffix("/TidyTests.swift") { continue }
      for (number, line) in file.lines.enumerated() where line.contains(pattern) {
        Issue.record("\(file.path):\(number + 1): instead: \(ban.instead)")
      }
    }
  }

  /// The client is one file, so that an app can copy it.
  static let longOnPurpose = ["clients/python/gatehouse.py"]

  @Test("A file holds one idea: no source is longer than 400 lines")
  func length() {
    for file in SourceTree.sources + SourceTree.tests + SourceTree.scripts
    where file.lines.count > 401 && !Self.longOnPurpose.contains(file.path) {
      Issue.record("\(file.path) has \(file.lines.count - 1) lines: does it hold two ideas?")
    }
  }

  /// The targets that each target may import: no others.
  static let directions: [String: Set<String>] = [
    "RedisClient": ["CHiredis"],
    "StrictJSON": [],
    "TextForms": ["CIdn2", "CUnistring"],
    "LocalHTTP": [],
    "Files": [],
    "MetricTable": [],
    "GatehouseCrypto": ["CArgon2", "COpenSSL", "CCrypt", "Files", "Threads"],
    "GatehouseCore": ["GatehouseCrypto", "StrictJSON", "TextForms"],
    "GatehouseRedis": ["GatehouseCore", "GatehouseCrypto", "RedisClient"],
    "GatehouseLedger": ["GatehouseCore", "GatehouseCrypto", "MetricTable"],
    "LedgerSQLite": ["CSQLite", "Files", "GatehouseCore", "GatehouseLedger", "MetricTable"],
    "GatehouseHTTP": ["GatehouseCore", "GatehouseCrypto", "StrictJSON"],
  ]
  static let ours = Set(directions.keys).union([
    "CHiredis", "CArgon2", "COpenSSL", "CCrypt", "CSQLite", "CSched", "CIdn2", "CUnistring", "Threads", "gatehouse",
  ])

  @Test("Stores and face never import each other, and the domain imports neither", arguments: directions.keys.sorted())
  func imports(target: String) {
    let files = SourceTree.sources.filter { $0.path.hasPrefix("Sources/\(target)/") && $0.path.hasSuffix(".swift") }
    for file in files {
      for name in Self.importedModules(file) where Self.ours.contains(name) && Self.directions[target]?.contains(name) != true {
        Issue.record("\(file.path) imports \(name)")
      }
    }
  }

  @Test("The domain does no I/O of its own, and a C library is imported in its own folder alone")
  func packages() {
    let homes = [
      "CHiredis": "Sources/RedisClient/Hiredis/", "CArgon2": "Sources/GatehouseCrypto/", "COpenSSL": "Sources/GatehouseCrypto/",
      "CCrypt": "Sources/GatehouseCrypto/", "CSched": "Sources/Threads/", "CIdn2": "Sources/TextForms/",
      "CUnistring": "Sources/TextForms/", "GRDB": "Sources/LedgerSQLite/", "CSQLite": "Sources/LedgerSQLite/",
    ]
    let outside = ["NIO", "NIOCore", "NIOPosix", "Hummingbird", "GRDB", "RedisClient"]
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      for name in Self.importedModules(file) {
        if let home = homes[name], !file.path.hasPrefix(home) { Issue.record("\(file.path) imports \(name), which belongs to \(home)") }
        if file.path.hasPrefix("Sources/GatehouseCore/"), outside.contains(name) { Issue.record("\(file.path) imports \(name)") }
      }
    }
  }

  @Test("Every @unchecked Sendable comes with the invariant that makes it true")
  func unchecked() {
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      for (number, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
        let around = file.lines[max(0, number - 4)...min(file.lines.count - 1, number + 3)]
        if !around.contains(where: { $0.contains("Invariant") }) { Issue.record("\(file.path):\(number + 1) names no invariant") }
      }
    }
  }

  /// Parts of scripts; those that they are parts of say what they are called with.
  static let preludes = ["closer_look.lua", "errors.lua", "window.lua", "expire.lua", "quota.lua", "refund.lua", "hold.lua"]

  @Test("Every script says its keys, its arguments and its answer, and is under 4 KB")
  func scripts() {
    let files = SourceTree.sources.filter { $0.path.hasSuffix(".lua") }
    let names = files.compactMap { $0.path.split(separator: "/").last.map(String.init) }
    let called: Set = ["drop.lua", "gate.lua", "install.lua", "limit_check.lua", "give_back.lua", "limit_give_back.lua", "trial.lua"]
    #expect(Set(names).subtracting(Self.preludes) == called)
    for (name, file) in zip(names, files) {
      #expect(file.lines.joined(separator: "\n").utf8.count < 4_096, "\(name)")
      let head = file.lines.prefix { $0.hasPrefix("--") }.joined(separator: "\n")
      #expect(!head.isEmpty, "\(name)")
      if Self.preludes.contains(name) { continue }
      #expect(head.contains("KEYS") && head.contains("ARGV") && head.contains("Gives"), "\(name)")
    }
  }

  @Test("Every test that the README names for a promise is there")
  func promises() throws {
    let readme = try #require(SourceTree.file("README.md"))
    let rows = readme.lines.drop { $0 != "## Promises and their tests" }.dropFirst().prefix { !$0.hasPrefix("## ") }.filter {
      $0.hasPrefix("| ")
    }
    let names = rows.flatMap { $0.matches(of: /`([^`]+)`/).map { String($0.output.1) } }
    #expect(names.count >= 11)
    for name in names {
      if name.contains("/") {
        #expect(FileManager.default.fileExists(atPath: "\(SourceTree.root)/\(name)"), "\(name)")
        continue
      }
      let parts = name.split(separator: ".").map(String.init)
      let suite = SourceTree.tests.first { file in file.lines.contains { $0.contains("struct \(parts[0]) ") } }
      let isThere = parts.count == 1 || suite?.lines.contains { $0.contains("func \(parts[1])(") } == true
      #expect(suite != nil && isThere, "\(name)")
    }
  }

  @Test("The table of docs/security.md is that of the tests, and its settings are the defaults")
  func requirements() throws {
    let check = Process()
    check.executableURL = URL(filePath: "/usr/bin/env")
    check.arguments = ["python3", "\(SourceTree.root)/scripts/asvs.py", "--check"]
    let output = Pipe()
    check.standardOutput = output
    check.standardError = output
    try check.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    check.waitUntilExit()
    #expect(check.terminationStatus == 0, "\(said)")
  }

  private static func importedModules(_ file: SourceTree.File) -> [String] {
    file.lines.compactMap { line in
      let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
      guard words.first == "import" else { return nil }
      return words.last.map(String.init)
    }
  }
}
