import Foundation
import Testing

/// The bounds of what the HTTP face may know: how a change becomes true is the domain's to decide.
@Suite struct DomainTests {
  @Test("The HTTP face calls verbs of the domain: no ledger, no hot state, no word of what takes rights away")
  func closed() throws {
    let words = #"\bledger\.(isUp|\w+\()|\btakesRightsAway\b|\bChanges\b|\b\w*Ledger\b|\bHotStore\b|\blease\.is"#
    let pattern = try Regex(words).wordBoundaryKind(.simple)
    for file in SourceTree.sources where file.path.hasPrefix("Sources/GatehouseHTTP/") && file.path.hasSuffix(".swift") {
      for (number, line) in file.lines.enumerated() where line.contains(pattern) {
        let code = line.trimmingCharacters(in: .whitespaces)
        if code.hasPrefix("//") { continue }
        Issue.record("\(file.path):\(number + 1): call a verb of the domain")
      }
    }
  }

  @Test("A store makes a change; nobody but the domain can look into one before it is acknowledged, says the compiler")
  func changed() throws {
    let made = try compiled("func made() -> Unacknowledged<Int> { Unacknowledged(1, pending: []) }")
    #expect(made.status == 0, "\(made.said)")
    for member in ["value", "pending"] {
      let read = try compiled("func read(_ change: Unacknowledged<Int>) { _ = change.\(member) }")
      #expect(read.status != 0 && read.said.contains("'\(member)' is inaccessible due to 'internal' protection level"), "\(read.said)")
    }
    let told = try compiled(
      """
      func told(_ changes: Changes, _ change: Unacknowledged<Int>) async -> Int { await changes.acknowledge(change, takesRightsAway: false) }
      """)
    #expect(told.status != 0 && told.said.contains("'acknowledge' is inaccessible due to 'internal' protection level"), "\(told.said)")
  }

  /// The compiler's verdict on a file outside the domain that imports it as it was built with these tests.
  private func compiled(_ code: String) throws -> (status: Int32, said: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "outside.swift")
    try "import GatehouseCore\n\(code)\n".write(to: file, atomically: true, encoding: .utf8)
    let built = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let sources = SourceTree.root + "/Sources"
    let maps = try FileManager.default.contentsOfDirectory(atPath: sources).map { "\(sources)/\($0)/module.modulemap" }
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments =
      ["swiftc", "-typecheck", "-swift-version", "6", "-I", built.appending(path: "Modules").path(), file.path()]
      + maps.filter(FileManager.default.fileExists).flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] }
    let output = Pipe()
    compiler.standardOutput = output
    compiler.standardError = output
    try compiler.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    compiler.waitUntilExit()
    return (compiler.terminationStatus, said)
  }
}
