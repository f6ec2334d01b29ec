import Foundation
import GRDB
@testable import GatehouseCore
import GatehouseCrypto
import LedgerContract
import TestSupport
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("Versions of the file")
struct MigrationTests {
  private func open(_ path: String, version: Int, _ steps: [Int: String] = [:]) throws -> LedgerDatabase {
    try LedgerDatabase.sqlite(path: path, Migrations(schema: rowsSchema, version: version, steps: steps), onFatal: { _ in }, log: quiet)
  }

  private func version(_ path: String) throws -> Int? { try seen(in: path) { try Int.fetchOne($0, sql: "PRAGMA user_version") } }

  @Test("A new file has the whole schema and its version")
  func new() async throws {
    try await withPath { path in
      await (try open(path, version: 3)).close()
      #expect(try version(path) == 3)
    }
  }

  @Test("A newer file is refused with one sentence and left as it is")
  func newer() async throws {
    try await withPath { path in
      await (try open(path, version: 3)).close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 2) }
      #expect(
        failure.map(String.init(describing:)) == "The ledger has version 3, newer than this program's 2: start the newer program.")
      #expect(try version(path) == 3)
    }
  }

  @Test("An older file goes through every step in order and keeps its rows")
  func forward() async throws {
    try await withPath { path in
      let old = try open(path, version: 1)
      try await old.insert(1)
      await old.close()
      let steps = [2: "ALTER TABLE rows ADD COLUMN note TEXT NOT NULL DEFAULT 'two'", 3: "UPDATE rows SET note = note || ' three'"]
      let new = try open(path, version: 3, steps)
      #expect(try await new.read { try String.fetchOne($0.sqlite, sql: "SELECT note FROM rows WHERE id = 1") } == "two three")
      await new.close()
      #expect(try version(path) == 3)
    }
  }

  @Test(
    "A ledger that a newer program migrates while it is open stops, at its next write or poll, and writes nothing",
    arguments: [true, false])
  func underway(writes: Bool) async throws {
    try await withPath { path in
      let fatal = Collected<LedgerFailure>()
      let old = try openRows(path) { fatal.add($0) }
      try await old.insert(1)
      let new = try open(path, version: 2, [2: "ALTER TABLE rows ADD COLUMN note TEXT"])
      if writes {
        let failure = await #expect(throws: LedgerFailure.self) { try await old.insert(2) }
        #expect(failure?.kind == .migrated)
      }
      try await eventually("the older program stops") {
        _ = try? await old.read { old.watchStore($0) }
        return fatal.all.map(\.kind) == [.migrated] && !old.isOpen
      }
      await old.close()
      try await new.insert(3)
      await new.close()
      #expect(try idsSeen(in: path) == [1, 3])
    }
  }

  @Test("A step that fails half-way leaves the version before it, whole")
  func halfWay() async throws {
    try await withPath { path in
      let old = try open(path, version: 1)
      try await old.insert(1)
      await old.close()
      let steps = [2: "ALTER TABLE rows ADD COLUMN note TEXT", 3: "DELETE FROM rows; INSERT INTO nowhere VALUES (1)"]
      #expect(throws: LedgerFailure.self) { _ = try open(path, version: 3, steps) }
      #expect(try version(path) == 2)
      #expect(try idsSeen(in: path) == [1], "the work of the failing step is undone")
      let mended = try open(path, version: 3, [3: "INSERT INTO rows (id) VALUES (3)"])
      await mended.close()
      #expect(try idsSeen(in: path) == [1, 3])
    }
  }

  @Test("A version that no step leads to is refused")
  func missing() async throws {
    try await withPath { path in
      await (try open(path, version: 1)).close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 2) }
      #expect(failure.map(String.init(describing:)) == "There is no migration of the ledger to version 2.")
    }
  }

  /// Every table with its columns and references, every index with its columns, whatever the text that made them.
  private func shape(_ path: String) throws -> Set<String> {
    try seen(in: path) { db in
      let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
      var shape: Set<String> = []
      for table in tables {
        shape.insert(
          "\(try Row.fetchAll(db, sql: "SELECT schema, name, type, ncol, wr, strict FROM pragma_table_list(?)", arguments: [table]))")
        for (sql, what) in [("pragma_table_xinfo", "columns"), ("pragma_foreign_key_list", "references"), ("pragma_index_list", "indexes")]
        {
          let rows = try Row.fetchAll(db, sql: "SELECT * FROM \(sql)(?)", arguments: [table])
          // The order in which indexes are listed is that of their making.
          for row in rows { shape.insert("\(table) \(what) \(row.filter { what != "indexes" || $0.0 != "seq" })") }
        }
      }
      let indexes = try Row.fetchAll(
        db, sql: "SELECT s.tbl_name, s.name, i.* FROM sqlite_schema s JOIN pragma_index_xinfo(s.name) i WHERE s.type = 'index'")
      let programs = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')")
      for row in programs {
        shape.insert("\(row["name"] as String) \((row["sql"] as String).split(whereSeparator: \.isWhitespace).joined(separator: " "))")
      }
      return shape.union(indexes.map { "\($0)" })
    }
  }

  /// A version of the ledger's file that is in use somewhere.
  struct Older: Sendable, CustomTestStringConvertible {
    let version: Int
    let schema: String
    let usageRow: String
    var testDescription: String { "version \(version)" }
  }

  static let older = [
    Older(version: 1, schema: schemaOfVersion1, usageRow: "('usr_00000000000001', 'video_analysis', 0, 1, 1)"),
    Older(version: 2, schema: schemaOfVersion2, usageRow: "('usr_00000000000001', 'video_analysis', 0, 1, 1, 0)"),
    Older(version: 3, schema: schemaOfVersion3, usageRow: "('usr_00000000000001', 'video_analysis', 0, 1, 1, 0)"),
  ]

  @Test("An older ledger becomes what a new one is, keeps its rows, and is read by the program of today", arguments: older)
  func olderLedger(_ older: Older) async throws {
    try await withPath { old in
      try await withPath { new in
        let first = try LedgerDatabase.sqlite(
          path: old, Migrations(schema: older.schema, version: older.version, steps: [:]), onFatal: { _ in }, log: quiet)
        try await first.write { db in
          try db.sqlite.execute(
            sql: """
              INSERT INTO users (id, email, canonical_email, time_zone, plan, status, password_hash, created_at)
              VALUES ('usr_00000000000001', 'mia@example.com', 'mia@example.com', 'UTC', 'free', 'active', 'hash', 1);
              INSERT INTO usage_daily VALUES \(older.usageRow);
              """)
        }
        await first.close()
        func open(_ path: String) throws -> SQLLedger {
          try SQLLedger(
            database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
        }
        let (migrated, made) = (try open(old), try open(new))
        let mia = try #require(try await migrated.user(email: "mia@example.com"))
        #expect(try await migrated.dailyUsage(of: mia.id, metric: "video_analysis", from: 0, to: 1).map(\.used) == [1])
        #expect(try await migrated.feed(of: nil, after: 0, limit: 1).isEmpty)
        await migrated.close()
        await made.close()
        #expect(try version(old) == Migrations.ledgerVersion && version(new) == Migrations.ledgerVersion)
        let (then, now) = (try shape(old), try shape(new))
        #expect(then == now, "only old: \(then.subtracting(now)), only new: \(now.subtracting(then))")
        #expect(now.count > 100)
      }
    }
  }

  @Test("The step to version 3 logs nobody out: a live session, a rotated one and one within its grace go on as they were")
  func sessionsOfVersion2() async throws {
    try await withPath { path in
      let old = try LedgerDatabase.sqlite(
        path: path, Migrations(schema: schemaOfVersion2, version: 2, steps: [:]), onFatal: { _ in }, log: quiet)
      let (made, proved, stamp) = (Rig.now - Rig.hour, Rig.now - 60_000, Rig.now)
      typealias Values = [(any DatabaseValueConvertible)?]
      @Sendable func row(
        _ id: String, _ token: String, successor: String? = nil, previous: (String, Int64)? = nil, ended: Int64? = nil
      ) -> Values {
        [
          id, "usr_00000000000001", "web", "bearer", made, proved, stamp, made + Rig.day,
          Data(Digest256.token(token).bytes),
          successor.map { Data(Digest256.token($0).bytes) }, Data([7]), "k1", previous.map { Data(Digest256.token($0.0).bytes) },
          previous?.1, ended,
        ]
      }
      try await old.write { db in
        try db.sqlite.execute(
          sql: """
            INSERT INTO users (id, email, canonical_email, time_zone, plan, status, password_hash, created_at)
            VALUES ('usr_00000000000001', 'mia@example.com', 'mia@example.com', 'UTC', 'free', 'active', 'hash', 1);
            UPDATE meta SET newest_stamp = \(stamp);
            """)
        for arguments in [
          row("ses_live", "live"), row("ses_rotated", "rotated", successor: "next"),
          row("ses_graced", "after", previous: ("before", stamp + 30_000)), row("ses_long", "later", previous: ("gone", stamp - 1)),
          row("ses_both", "second", successor: "third", previous: ("first", stamp + 20_000)), row("ses_ended", "ended", ended: stamp - 5),
        ] {
          try db.sqlite.execute(
            sql: """
              INSERT INTO sessions (id, user_id, class, transport, created_at, authenticated_at, seen_at, expires_at, token_hash,
                successor_hash, successor_nonce, successor_key, previous_hash, previous_ends_at, ended_at)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              """, arguments: StatementArguments(arguments))
        }
      }
      await old.close()
      let ledger = try SQLLedger(
        database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
      let rig = Rig(ledger, ledger.database)
      var found: [String: (isSuccessor: Bool, proved: Int64, end: Int64?)] = [:]
      for token in ["live", "rotated", "next", "after", "before", "later", "gone", "second", "third", "first", "ended"] {
        guard case .live(let session, _, let isSuccessor) = try await rig.found(token) else { continue }
        found[token] = (isSuccessor, session.authenticatedAtMilliseconds, session.tokenEndsAtMilliseconds)
      }
      #expect(Set(found.keys) == ["live", "rotated", "next", "after", "before", "later", "second", "third", "first"])
      #expect(Set(found.filter(\.value.isSuccessor).keys) == ["next", "third"])
      // Only the token that was made last has the instant of the password.
      #expect(Set(found.filter { $0.value.proved == proved }.keys) == ["live", "next", "after", "later", "third"])
      #expect(found.compactMapValues(\.end) == ["before": stamp + 30_000, "first": stamp + 20_000])
      // A call that was on its way can be repeated.
      for (id, presented, next) in [("ses_rotated", "rotated", "next"), ("ses_graced", "before", "after"), ("ses_both", "second", "third")]
      {
        let again = try await ledger.prepareSuccessor(
          SessionID(unchecked: id), presented: .token(presented), hash: .token("x"), nonce: [1], keyID: "k2", now: stamp)
        #expect(again?.value.session.tokenHash == .token(next) && again?.value.nonce == [7] && again?.value.keyID == "k1", "\(id)")
      }
      await ledger.close()
    }
  }

  @Test("The step to version 4 keeps every stored answer, and what reservations add up to; ids of before are good as ever")
  func workOfVersion3() async throws {
    try await withPath { path in
      let old = try LedgerDatabase.sqlite(
        path: path, Migrations(schema: schemaOfVersion3, version: 3, steps: [:]), onFatal: { _ in }, log: quiet)
      let period = Period.open(kind: .day, nowMilliseconds: Rig.now, zone: "UTC")
      try await old.write { db in
        try db.sqlite.execute(
          sql: """
            INSERT INTO users (id, email, canonical_email, time_zone, plan, status, password_hash, created_at)
            VALUES ('usr_00000000000001', 'mia@example.com', 'mia@example.com', 'UTC', 'pro', 'active', 'hash', 1);
            INSERT INTO reservations (id, user_id, metric, amount, status, period_start, period_end, lease_expires_at, created_at)
            VALUES ('rsv_zzzzzzzzzzzzz1', 'usr_00000000000001', 'video_analysis', 3, 'held', \(period.startMilliseconds),
              \(period.endMilliseconds), \(Rig.now + Rig.hour), 1);
            INSERT INTO analyses (id, user_id, reservation_id, status, metadata, metric, amount, created_at)
            VALUES ('ana_zzzzzzzzzzzzz1', 'usr_00000000000001', 'rsv_zzzzzzzzzzzzz1', 'pending', '{}', 'video_analysis', 3, 1);
            """)
        for (scope, key, user) in [
          ("usr_00000000000001", "b", "usr_00000000000001"), ("key_1", "a", "usr_00000000000001"), ("key_1", "b", nil),
        ] {
          try db.run(
            "INSERT INTO idempotency (scope, key, fingerprint, status, body, created_at, user_id) VALUES (?, ?, ?, 201, ?, ?, ?)",
            [scope, key, Digest256.token(scope + key).bytes, Array("\(scope) \(key)".utf8), Rig.now, user])
        }
      }
      await old.close()
      let ledger = try SQLLedger(
        database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
      let rig = Rig(ledger, ledger.database)
      for (scope, key) in [("usr_00000000000001", "b"), ("key_1", "a"), ("key_1", "b")] {
        let call = IdempotentCall(scope: scope, key: key, fingerprint: .token(scope + key))
        #expect(try await ledger.answer(to: call, now: Rig.now)?.body == Array("\(scope) \(key)".utf8))
      }
      let mia = try #require(try await ledger.user(email: "mia@example.com"))
      #expect(try await rig.standing(mia).held == 3)
      let id = try #require(AnalysisID("ana_zzzzzzzzzzzzz1"))
      let done = try await ledger.report(id, .completed(result: "{}", rereserve: false), now: Rig.now).value
      #expect(done.allowance.used == 3 && done.allowance.held == 0)
      _ = try await rig.granted(mia, analysis: .video())
      #expect(try await ledger.analyses(of: mia.id, filter: AnalysisFilter(), page: PageRequest()).items.count == 2)
      _ = try await ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
      while try await ledger.purgeDeleted(rowsMax: 100) > 0 {}
      let left = try await ledger.database.read { try $0.number("SELECT count(*) FROM idempotency", []) }
      #expect(left == 1, "the answers that tell of the user go with them")
      await ledger.close()
    }
  }

  @Test("A file of something else is not written to")
  func foreign() async throws {
    try await withPath { path in
      let other = try DatabaseQueue(path: path)
      try await other.write { try $0.execute(sql: "CREATE TABLE theirs (id INTEGER)") }
      try other.close()
      let failure = #expect(throws: LedgerFailure.self) { _ = try open(path, version: 1) }
      #expect(failure.map(String.init(describing:))?.hasPrefix("The file holds tables but no ledger") == true)
      #expect(try seen(in: path) { try $0.tableExists("rows") } == false)
    }
  }
}
