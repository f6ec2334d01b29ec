import Foundation
import TestSupport

/// A program in Python that has the ledger open as anybody's shell may: it does what it is told and then waits.
final class OtherProgram {
  private let process = Process()
  private let input = Pipe()
  private let ready: String

  /// Runs `statements` on the file at `path`, one after another, and reads whatever they give.
  init(on path: String, _ statements: [String]) async throws {
    ready = path + ".\(UUID().uuidString)"
    let script = """
      import sqlite3, sys
      other = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
      for statement in sys.argv[3:]:
          other.execute(statement).fetchall()
      open(sys.argv[2], "w").close()
      sys.stdin.read()
      """
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, path, ready] + statements
    process.standardInput = input
    try process.run()
    try await eventually("the other program is ready") { [ready] in FileManager.default.fileExists(atPath: ready) }
  }

  var description: String { "python3 (pid \(process.processIdentifier))" }

  /// Ends it, and with it its transaction.
  func end() async throws {
    try input.fileHandleForWriting.close()
    try await eventually("the other program has ended") { [process] in !process.isRunning }
  }
}
