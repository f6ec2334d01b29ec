import GRDB
@testable import GatehouseCore
import LedgerContract
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// Rows that are changed by another program, as an operator does with `sqlite3`.
@Suite("Rows changed by hand") struct ByHandTests {
  private struct Hand: Sendable, CustomTestStringConvertible {
    let sql: String
    var testDescription: String { sql }
  }

  private static let changes: [Hand] = [
    "UPDATE users SET status = 'suspended'", "UPDATE users SET plan = 'pro'", "UPDATE users SET email_verified = 1", "DELETE FROM users",
    "UPDATE sessions SET ended_at = 1", "UPDATE sessions SET expires_at = 1", "UPDATE sessions SET seen_at = 1", "DELETE FROM sessions",
    "UPDATE session_tokens SET ends_at = 1", "DELETE FROM session_tokens",
    "UPDATE usage_daily SET used = 0", "DELETE FROM usage_daily", "INSERT INTO usage_daily SELECT id, 'report', 0, 1, 1, 0 FROM users",
    "UPDATE reservations SET status = 'released', finished_at = 1", "DELETE FROM reservations",
    """
    INSERT INTO overrides (user_id, metric, kind, units, starts_at, ends_at) SELECT id, 'video_analysis', 'bonus', 5, 0, 9 FROM users
    """,
  ].map(Hand.init)

  private func open(_ path: String) throws -> SQLLedger {
    try SQLLedger(
      database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet)
  }

  private func byHand(_ sql: String, _ path: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let other = try DatabaseQueue(path: path, configuration: configuration)
    try other.write { try $0.execute(sql: sql) }
    try other.close()
  }

  /// Settles all that is pending, and waits until the ledger has it.
  private func settle(_ ledger: SQLLedger) async throws {
    ledger.settled(try await ledger.leasePoll().pending, by: Rig.count)
    _ = try await ledger.database.write { _ in }
    #expect(try await ledger.leasePoll().pending.isEmpty)
  }

  @Test("Each change by hand is told to the lease poll, with a number of its own", arguments: changes)
  private func told(_ hand: Hand) async throws {
    try await withPath { path in
      let ledger = try open(path)
      let rig = Rig(ledger, ledger.database)
      let mia = try await rig.signUp()
      try await rig.open(mia, token: "a")
      _ = try await rig.granted(mia, commit: true)
      _ = try await rig.granted(mia, metric: "report")
      try await settle(ledger)
      var last: Int64 = 0
      for _ in 1...2 {
        try byHand(hand.sql.replacing("'report', 0", with: "'report', \(last)"), path)
        let pending = try await ledger.leasePoll().pending
        guard last == 0 || !hand.sql.hasPrefix("DELETE") else { break }
        #expect(pending.map(\.routingID) == [mia.id.routingID])
        #expect(pending.first.map { $0.sequence > last } == true)
        last = pending.first?.sequence ?? last
      }
      await ledger.close()
    }
  }

  @Test("A service key that is changed by hand is read again")
  func keys() async throws {
    try await withPath { path in
      let ledger = try open(path)
      let key = ServiceKey(
        id: .random(), name: "app", hash: .token("key"), scopes: [.work], createdAtMilliseconds: Rig.now, expiresAtMilliseconds: nil)
      _ = try await ledger.createServiceKey(key, by: .operations)
      let version = try await ledger.leasePoll().serviceKeysVersion
      try byHand("UPDATE service_keys SET last_used_at = 1", path)
      #expect(try await ledger.leasePoll().serviceKeysVersion == version)
      try byHand("UPDATE service_keys SET revoked_at = 1", path)
      #expect(try await ledger.leasePoll().serviceKeysVersion == version + 1)
      try byHand("DELETE FROM service_keys", path)
      #expect(try await ledger.leasePoll().serviceKeysVersion == version + 2)
      await ledger.close()
    }
  }

  @Test("The service's own changes tell what they say they do, and no more")
  func own() async throws {
    try await withPath { path in
      let ledger = try open(path)
      let rig = Rig(ledger, ledger.database)
      let mia = try await rig.signUp()
      try await rig.open(mia, token: "a")
      try await settle(ledger)
      let granted = try await rig.granted(mia)
      _ = try await ledger.commit(granted.reservation.id, amount: nil, now: Rig.now)
      let session = try #require(try await ledger.sessions(of: mia.id, first: nil, page: PageRequest(), now: Rig.now).items.first)
      ledger.touch(session.id, seenAt: Rig.now + 1)
      _ = try await ledger.database.write { _ in }
      #expect(try await ledger.leasePoll().pending.isEmpty)
      await ledger.close()
    }
  }
}
