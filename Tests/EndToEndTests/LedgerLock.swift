import Foundation
import Testing

/// A lock that keeps every writer out of a ledger.
final class LedgerLock: Sendable {
  private let end: Pipe

  init(_ path: String) throws {
    let (input, output) = (Pipe(), Pipe())
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", path]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    end = input
    input.fileHandleForWriting.write(Data(".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'held';\n".utf8))
    #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "held\n")
  }

  func release() { try? end.fileHandleForWriting.close() }
}
