import GRDB
import LedgerContract
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("The write queue")
struct WriteQueueTests {
  @Test("Many callers share few commits")
  func groups() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let latch = Latch()
      async let first: Void = database.write { _ in latch.wait() }
      try await eventually("the writer is busy") { latch.isReached }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for id in 0..<1_000 { group.addTask { try await database.insert(id) } }
        try await eventually("all wait") { database.depth == 1_000 }
        latch.open()
        try await group.waitForAll()
      }
      try await first
      await database.close()
      // One for the caller that held the writer, then batches of at most 256; a slow machine ends a batch early.
      #expect(database.batches.operations == 1_001)
      #expect((5...50).contains(database.batches.commits), "\(database.batches.commits) commits")
      #expect(try idsSeen(in: path).count == 1_000)
    }
  }

  @Test("An operation that throws after writing fails alone")
  func failsAlone() async throws {
    struct Refused: Error {}
    try await withPath { path in
      let database = try openRows(path)
      let outcomes = try await sharedBatch(database, count: 9) { id in
        try await database.write { db in
          try db.run("INSERT INTO rows (id) VALUES (?)", [id])
          if id % 3 == 0 { throw Refused() }
        }
      }
      await database.close()
      for (id, error) in outcomes { #expect((error is Refused) == (id % 3 == 0), "\(id): \(String(describing: error))") }
      #expect(try idsSeen(in: path) == [1, 2, 4, 5, 7, 8])
      #expect(database.batches.commits < database.batches.operations, "they shared no commit")
    }
  }

  @Test("A violated constraint fails alone and is named")
  func constraint() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.insert(4)
      let outcomes = try await sharedBatch(database, count: 9) { try await database.insert($0) }
      for (id, error) in outcomes { #expect((error as? LedgerFailure)?.kind == (id == 4 ? .constraint : nil)) }
      #expect(try idsSeen(in: path) == Set(0..<9))
      await database.close()
    }
  }

  @Test("An operation that swallows its error keeps its neighbours")
  func swallowed() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let outcomes = try await sharedBatch(database, count: 4) { id in
        try await database.write { db in
          if id == 2 {
            _ = try? db.run("INSERT INTO rows (id, body) VALUES (?, NULL)", [id])
          } else {
            try db.run("INSERT INTO rows (id) VALUES (?)", [id])
          }
        }
      }
      #expect(outcomes.values.allSatisfy { $0 == nil })
      #expect(try idsSeen(in: path) == [0, 1, 3])
      await database.close()
    }
  }

  @Test("Every answer comes after its commit: another connection sees the row at once", .timeLimit(.minutes(2)))
  func afterCommit() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.insert(-1)
      let other = try DatabasePool(path: path)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for id in 0..<300 {
          group.addTask {
            try await database.insert(id)
            let isThere = try await other.read { try Bool.fetchOne($0, sql: "SELECT count(*) FROM rows WHERE id = ?", arguments: [id]) }
            #expect(isThere == true, "row \(id) was answered and is not there")
          }
        }
        try await group.waitForAll()
      }
      try other.close()
      await database.close()
    }
  }

  @Test("A full queue refuses at once, a closing one drains, a closed one refuses")
  func bounds() async throws {
    try await withPath { path in
      var options = SQLiteOptions()
      options.bounds.queueDepthMax = 3
      let database = try openRows(path, options)
      let latch = Latch()
      async let first: Void = database.write { _ in latch.wait() }
      try await eventually("the writer is busy") { latch.isReached }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for id in 0..<3 { group.addTask { try await database.insert(id) } }
        try await eventually("the queue is full") { database.depth == 3 }
        // The writer still stands at the latch: only a refusal without waiting comes back.
        await #expect(throws: LedgerFailure(.overloaded)) { try await database.insert(9) }
        database.enqueue { try $0.run("INSERT INTO rows (id) VALUES (10)", []) }
        async let closed: Void = database.close()
        try await eventually("the queue is closing") { !database.isOpen }
        await #expect(throws: LedgerFailure(.closed)) { try await database.insert(11) }
        latch.open()
        try await group.waitForAll()
        await closed
      }
      try await first
      #expect(try idsSeen(in: path) == [0, 1, 2])
      await #expect(throws: LedgerFailure(.closed)) { try await database.insert(12) }
      await #expect(throws: LedgerFailure(.closed)) { try await database.read { try Int.fetchOne($0.sqlite, sql: "SELECT 1") } }
      await database.close()
    }
  }

  @Test("A long batch is committed with what it has and the rest follows")
  func boundedInTime() async throws {
    try await withPath { path in
      let database = try openRows(path)
      let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(*) FROM n"
      let outcomes = try await sharedBatch(database, count: 12) { id in
        try await database.write { db in
          _ = try db.number(slow, [])
          try db.run("INSERT INTO rows (id) VALUES (?)", [id])
        }
      }
      await database.close()
      #expect(outcomes.values.allSatisfy { $0 == nil })
      #expect(database.batches.operations == 13)
      #expect(database.batches.commits > 2, "twelve slow operations held one transaction open")
      #expect(try idsSeen(in: path) == Set(0..<12))
    }
  }
}

/// Runs `count` operations that all wait when the writer comes for them; how each ended.
func sharedBatch(
  _ database: LedgerDatabase, count: Int, _ operation: @escaping @Sendable (Int) async throws -> Void
) async throws -> [Int: (any Error)?] {
  let latch = Latch()
  async let first: Void = database.write { _ in latch.wait() }
  try await eventually("the writer is busy") { latch.isReached }
  let outcomes = try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
    for id in 0..<count {
      group.addTask {
        do { try await operation(id) } catch { return (id, error) }
        return (id, nil)
      }
    }
    try await eventually("all wait") { database.depth == count }
    latch.open()
    var outcomes: [Int: (any Error)?] = [:]
    for try await (id, error) in group { outcomes.updateValue(error, forKey: id) }
    return outcomes
  }
  try await first
  return outcomes
}
