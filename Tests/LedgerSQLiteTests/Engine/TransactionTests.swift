import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("A transaction of SQLite")
struct TransactionTests {
  private static let texts = ["", "mia", "a\u{0}b", "e\u{301}", "é", "🦊", String(repeating: "x", count: 100_000)]

  @Test("Values are read back as they were written, byte for byte")
  func values() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.write { db in
        for text in Self.texts {
          let read: String = try #require(try db.row("SELECT ? AS it", [text]))["it"]
          #expect(Array(read.utf8) == Array(text.utf8))
        }
        for bytes in [[], [0], [UInt8](repeating: 7, count: 100_000)] as [[UInt8]] {
          #expect(try #require(try db.row("SELECT ? AS it", [bytes]))["it"] == bytes)
        }
        for number in [Int64.min, -1, 0, .max] { #expect(try db.number("SELECT ?", [number]) == number) }
        for flag in [true, false] { #expect(try #require(try db.row("SELECT ? AS it", [flag]))["it"] == flag) }
        #expect(try db.number("SELECT ?", [nil]) == nil)
        #expect(try db.number("SELECT ?2 - ?1", [1, 3]) == 2)
      }
      await database.close()
    }
  }

  @Test("A value of another kind, a NULL and a column that is missing are named, not guessed")
  func unreadable() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.write { db in
        let row = try #require(try db.row("SELECT 1 AS number, 'x' AS word, NULL AS empty", []))
        #expect(try row["empty"] as Int64? == nil)
        #expect(throws: LedgerFailure(.internal("The column word of a row of the ledger holds a value of another kind."))) {
          _ = try row["word"] as Int64
        }
        #expect(throws: LedgerFailure.self) { _ = try row["number"] as String? }
        #expect(throws: LedgerFailure.self) { _ = try row["empty"] as String }
        #expect(throws: LedgerFailure(.internal("A row of the ledger has no column other."))) { _ = try row["other"] as String? }
        #expect(throws: LedgerFailure.self) { try db.number("SELECT 'x'", []) }
        #expect(throws: LedgerFailure.self) { try db.number("SELECT 1.5", []) }
        #expect(throws: LedgerFailure.self) { try db.run("SELECT ?", []) }
        #expect(throws: LedgerFailure.self) { try db.run("SELECT ?", [1, 2]) }
        #expect(throws: LedgerFailure.self) { try db.run("SELEC 1", []) }
      }
      await database.close()
    }
  }

  @Test("A statement tells how many rows it changed, whatever it gives or triggers")
  func changed() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.write { db throws in
        #expect(try db.run("INSERT INTO rows (id) VALUES (1), (2), (3)", []) == 3)
        #expect(try db.run("UPDATE rows SET writer = 5 WHERE id > 1 RETURNING id", []) == 2)
        #expect(try db.run("UPDATE rows SET writer = 5 WHERE id > 9", []) == 0)
        #expect(try db.rows("SELECT id FROM rows WHERE writer = 5 ORDER BY id", []).map { try $0["id"] } == [2, 3])
      }
      await database.close()
    }
  }

  @Test("Once SQLite has ended a transaction by itself, an operation that goes on writes nothing")
  func ended() async throws {
    try await withPath { path in
      let database = try openRows(path)
      try await database.insert(1)
      try await database.write { _ = try $0.run("PRAGMA max_page_count = 20", []) }
      let outcomes = try await sharedBatch(database, count: 3) { id in
        try await database.write { db in
          guard id == 1 else {
            _ = try db.run("INSERT INTO rows (id) VALUES (?)", [id + 10])
            return
          }
          _ = try? db.run("INSERT INTO rows (id, body) VALUES (20, zeroblob(400000))", [])
          _ = try? db.run("INSERT INTO rows (id) VALUES (21)", [])
        }
      }
      #expect(outcomes[1].flatMap { $0 } != nil)
      #expect(try idsSeen(in: path) == [1, 10, 12])
      await database.close()
    }
  }
}
