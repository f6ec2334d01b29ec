import Foundation
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("A reader that stays", .timeLimit(.minutes(3)))
struct LongReaderTests {
  private static let rowBytes = 4_000

  private var options: SQLiteOptions {
    var options = SQLiteOptions()
    options.checkpointBytes = 200_000
    options.truncateBytes = 800_000
    options.readerToldAfter = .milliseconds(300)
    return options
  }

  @Test("While a program reads an old state, writes take as long as ever; it is named once, and when it ends the log is cut")
  func held() async throws {
    try await withPath { path in
      let (log, lines) = LogLines.make()
      let database = try openRows(path, options, log: log)
      let before = try await times(database, 0..<300)
      let reader = try await OtherProgram(on: path, ["BEGIN", "SELECT count(*) FROM rows"])
      let held = try await times(database, 300..<1_100)
      #expect(logBytes(path) > options.truncateBytes * 2, "the log has not passed its bounds")
      // A writer that waits at each commit is slower by orders of magnitude; a commit among other processes varies.
      #expect(median(held) < median(before) * 3, "before \(median(before)), with the reader \(median(held))")
      #expect(mean(held) < mean(before) * 5, "\(held.max() ?? .zero) at worst")
      try await eventually("the reader is named") { lines.all.contains { $0.contains(reader.description) } }

      try await reader.end()
      try await eventually("the log is cut though nobody writes") { logBytes(path) <= options.truncateBytes }
      try await eventually("and that is said") { lines.all.contains { $0.contains("copied into the ledger again") } }
      #expect(lines.all.count == 2, "\(lines.all)")
      #expect(try idsSeen(in: path) == Set(0..<1_100))
      await database.close()
    }
  }

  @Test("Readers that overlap without end keep the log bounded")
  func overlapping() async throws {
    try await withPath { path in
      let database = try openRows(path, options)
      let other = try openRows(path, options)
      try await database.insert(-1, bytes: Self.rowBytes)
      let reads = Task {
        await withTaskGroup(of: Void.self) { group in
          for reader in 0..<8 {
            group.addTask {
              let from = reader % 2 == 0 ? database : other
              while !Task.isCancelled { _ = try? await from.read { try $0.number("SELECT length(body) FROM rows WHERE id = -1", []) } }
            }
          }
        }
      }
      for id in 0..<1_500 { try await database.insert(id, bytes: Self.rowBytes) }
      reads.cancel()
      await reads.value
      #expect(logBytes(path) < options.truncateBytes * 3, "\(logBytes(path)) bytes")
      await database.close()
      await other.close()
    }
  }

  private func times(_ database: LedgerDatabase, _ ids: Range<Int>) async throws -> [Duration] {
    var times: [Duration] = []
    for id in ids {
      let start = ContinuousClock.now
      try await database.insert(id, bytes: Self.rowBytes)
      times.append(start.duration(to: .now))
    }
    return times
  }

  private func mean(_ times: [Duration]) -> Duration { times.reduce(Duration.zero, +) / times.count }
  private func median(_ times: [Duration]) -> Duration { times.sorted()[times.count / 2] }

  private func logBytes(_ path: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int) ?? 0
  }
}
