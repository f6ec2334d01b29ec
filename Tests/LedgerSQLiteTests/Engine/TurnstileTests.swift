import Foundation
import GRDB
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("Several writers of one file", .timeLimit(.minutes(3)))
struct TurnstileTests {
  @Test("Saturated writers never find the file busy, all get on, every row is there", arguments: [2, 3])
  func saturated(writers: Int) async throws {
    try await withPath { path in
      let each = 1_500
      var options = SQLiteOptions()
      options.bounds.batchMax = 16
      // These claims are about order: a slow machine may take its time.
      options.bounds.writeWaitMax = .seconds(120)
      // Each checkpoints often: without the turnstile two would meet.
      options.checkpointBytes = 100_000
      let databases = try (0..<writers).map { _ in try openRows(path, options) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (writer, database) in databases.enumerated() {
          for index in 0..<each { group.addTask { try await database.insert(index * writers + writer, bytes: 200, writer: writer) } }
        }
        try await group.waitForAll()
      }
      for database in databases { await database.close() }
      let order = try seen(in: path) { try Int.fetchAll($0, sql: "SELECT writer FROM rows ORDER BY id") }
      #expect(order.count == each * writers)
      #expect(try seen(in: path) { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }
  }

  @Test("While two writers are saturated, neither is left behind", .asvs("15.4.4"))
  func fair() async throws {
    try await withPath { path in
      let each = 2_000
      var options = SQLiteOptions()
      options.bounds.batchMax = 16
      // These claims are about order: a slow machine may take its time.
      options.bounds.writeWaitMax = .seconds(120)
      let databases = try (0..<2).map { _ in try openRows(path, options) }
      // Both queues are filled before either writer may begin, so that the order of commits shows nothing but the turnstile.
      let turnstile = HeldLock(path + ".turn")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (writer, database) in databases.enumerated() {
          for _ in 0..<each {
            group.addTask {
              _ = try await database.write { try $0.run("INSERT INTO rows (writer) VALUES (?)", [writer]) }
            }
          }
        }
        try await eventually("both queues are full") { databases.allSatisfy { $0.depth >= each - options.bounds.batchMax } }
        turnstile.release()
        try await group.waitForAll()
      }
      for database in databases { await database.close() }
      let order = try seen(in: path) { try Int.fetchAll($0, sql: "SELECT writer FROM rows ORDER BY id") }
      let firstDone = try #require(order.last.map { 1 - $0 })
      let end = try #require(order.lastIndex(of: firstDone))
      let others = order[...end].count { $0 != firstDone }
      #expect(others > each / 2, "when one writer had committed \(each), the other had \(others)")
    }
  }

  @Test("While another program holds the lock and does nothing, calls are refused in time and nothing of them is written; then all is well")
  func held() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.bounds.writeWaitMax = .milliseconds(200)
      let database = try openRows(path, options)
      for lock in [".writer", ".turn"] {
        let held = HeldLock(path + lock)
        let start = ContinuousClock.now
        for _ in 0..<3 {
          let error = await #expect(throws: LedgerFailure.self) { try await database.insert(1) }
          #expect(error?.kind == .overloaded)
        }
        // The first waits; who comes while it is known that the writer is stuck doesn't.
        #expect(start.duration(to: .now) >= .milliseconds(200))
        held.release()
        try await eventually("the writer goes on") { (try? await database.insert(lock == ".turn" ? 3 : 2)) != nil }
      }
      await database.close()
      #expect(try idsSeen(in: path) == [2, 3])
    }
  }

  @Test("A process that dies at the turnstile holds nobody up")
  func released() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let held = HeldLock(path + ".writer")
      async let write: Void = database.insert(1)
      try await eventually("the writer waits at the lock") { HeldLock.isTaken(path + ".turn") }
      #expect(try idsSeen(in: path).isEmpty, "a batch passed a closed turnstile")
      held.release()
      try await write
      await database.close()
    }
  }
}

/// A lock that another program holds.
private struct HeldLock: Sendable {
  private let file: Int32
  init(_ path: String) {
    file = open(path, O_RDWR)
    flock(file, LOCK_EX)
  }

  static func isTaken(_ path: String) -> Bool {
    let file = open(path, O_RDWR)
    defer { close(file) }
    return flock(file, LOCK_EX | LOCK_NB) != 0
  }

  /// As the kernel does when a process ends.
  func release() { close(file) }
}
