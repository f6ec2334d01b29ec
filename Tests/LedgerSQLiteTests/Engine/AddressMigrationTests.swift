import Foundation
import GRDB
@testable import GatehouseCore
import GatehouseCrypto
import LedgerContract
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// Ledgers of before one address had one canonical form.
@Suite("Siblings of before")
struct AddressMigrationTests {
  private static let users: [(id: String, email: String, older: String, created: Int64)] = [
    ("usr_00000000000001", "mia@Bücher.example", "mia@bücher.example", 1),
    // Its older form is what the first one's becomes.
    ("usr_00000000000002", "mia@xn--bcher-kva.example", "mia@xn--bcher-kva.example", 2),
    ("usr_00000000000003", "οδοσ@example.com", "οδοσ@example.com", 5),
    ("usr_00000000000004", "οδος@example.com", "οδος@example.com", 4),
    ("usr_00000000000005", "ben@example.com", "ben@example.com", 5),
    ("usr_00000000000006", "zoë@bücher.example", "zoë@bücher.example", 6),
    // No address by today's rules.
    ("usr_00000000000007", "mia@❤.example", "mia@❤.example", 7),
    ("usr_00000000000008", "Strauß@example.com", "strauß@example.com", 8),
    ("usr_00000000000009", "strauss@example.com", "strauss@example.com", 8),
    ("usr_0000000000000a", "ſtrauss@example.com", "ſtrauss@example.com", 9),
  ]

  private func withMigrated(_ body: (SQLLedger) async throws -> Void) async throws {
    try await withPath { path in
      let old = try LedgerDatabase.sqlite(
        path: path, Migrations(schema: schemaOfVersion2, version: 2, steps: [:]), onFatal: { _ in }, log: quiet)
      try await old.write { db in
        for user in Self.users {
          try db.sqlite.execute(
            sql: """
              INSERT INTO users (id, email, canonical_email, time_zone, plan, status, password_hash, created_at)
              VALUES (?, ?, ?, 'UTC', 'free', 'active', ?, ?)
              """, arguments: [user.id, user.email, user.older, "hash of \(user.id)", user.created])
        }
        try db.sqlite.execute(
          sql: "INSERT INTO single_use_tokens VALUES (?, 'usr_00000000000006', 'password_reset', 'zoë@bücher.example', 1000)",
          arguments: [Data(Digest256.token("reset").bytes)])
        try db.sqlite.execute(
          sql: """
            INSERT INTO users (id, email, time_zone, plan, status, password_hash, created_at)
            VALUES ('usr_0000000000000z', '', 'UTC', 'free', 'deleted', '', 1)
            """)
      }
      await old.close()
      let ledger = try SQLLedger(
        database: .sqlite(path: path, onFatal: { _ in }, log: quiet), secret: Rig.secret, rules: Rig.rules, log: quiet
      )
      try await body(ledger)
      await ledger.close()
    }
  }

  private func found(_ email: String, _ ledger: SQLLedger) async throws -> String? {
    let credentials = try await ledger.credentials(email: email)
    let user = try await ledger.user(email: email)
    #expect(user == credentials?.user && user.map { "hash of \($0.id)" } == credentials?.passwordHash)
    return user?.id.text
  }

  @Test("No account is lost: each is found by its own spelling, another spelling finds the oldest")
  func nobodyIsLost() async throws {
    try await withMigrated { (ledger: SQLLedger) async throws in
      for user in Self.users { #expect(try await found(user.email, ledger) == user.id, "\(user.email)") }
      #expect(try await found("MIA@BÜCHER.EXAMPLE", ledger) == "usr_00000000000001")
      #expect(try await found("Mia@XN--bcher-kva.example", ledger) == "usr_00000000000002")
      #expect(try await found("ΟΔΟΣ@example.com", ledger) == "usr_00000000000003", "lower case has a plain sigma: its own spelling")
      #expect(try await found("zoë@xn--bcher-kva.example", ledger) == "usr_00000000000006")
      #expect(try await found("STRAUSS@example.com", ledger) == "usr_00000000000009")
      #expect(try await ledger.owner(ofToken: .token("reset"), .passwordReset, now: 1) != nil, "a mailed token stays good")
    }
  }

  @Test("Accounts that share an address are named, with the one that has it")
  func named() async throws {
    try await withMigrated { (ledger: SQLLedger) async throws in
      let siblings = try await ledger.sharingAnAddress(max: 10)
      #expect(Set(siblings.map(\.text)) == ["usr_00000000000002", "usr_00000000000003", "usr_00000000000009", "usr_0000000000000a"])
      let holders = ["usr_00000000000001", "usr_00000000000004", "usr_00000000000008", "usr_00000000000008"]
      for (sibling, holder) in zip(siblings.map(\.text).sorted(), holders) {
        let entries = try await ledger.audit(of: UserID(unchecked: sibling), page: PageRequest()).items
        #expect(entries.map(\.action) == ["address_shared"] && entries.first?.detail == #"{"user_id":"\#(holder)"}"#, "\(sibling)")
        #expect(entries.first?.occurredAtMilliseconds ?? 0 > 1_700_000_000_000)
      }
    }
  }

  @Test("An address that its account leaves, by deletion or for another, goes to the next that shared it, and to nobody else")
  func inherited() async throws {
    try await withMigrated { (ledger: SQLLedger) async throws in
      func delete(_ id: String) async throws {
        _ = try await ledger.deleteUser(UserID(unchecked: id), by: .operations, reason: nil, now: 10)
        while try await ledger.purgeDeleted(rowsMax: 100) > 0 {}
      }
      // A sibling goes: the account that has the address keeps it.
      try await delete("usr_00000000000009")
      #expect(try await found("strauss@example.com", ledger) == "usr_00000000000008")
      try await delete("usr_00000000000008")
      for spelling in ["strauss@example.com", "STRAUẞ@EXAMPLE.COM", "ſtrauss@example.com"] {
        #expect(try await found(spelling, ledger) == "usr_0000000000000a", "\(spelling)")
      }
      #expect(try await ledger.sharingAnAddress(max: 10).count == 2)

      let mia = UserID(unchecked: "usr_00000000000001")
      var changes = UserChanges()
      changes.pendingEmail = .set(EmailAddress("moved@example.com"))
      _ = try await ledger.changeUser(mia, changes, by: .user(mia), now: 10)
      let token = SingleUse(
        hash: .token("v"), kind: .emailVerification, userID: mia, canonicalEmail: "moved@example.com", expiresAtMilliseconds: 1_000)
      #expect(try await ledger.keep(token, by: .operations, now: 10))
      #expect(try await ledger.verifyEmail(token: token.hash, now: 10)?.value.email == "moved@example.com")
      #expect(try await found("mia@bücher.example", ledger) == "usr_00000000000002")
      let again = User(id: .random(), email: "mia@BÜCHER.example", timeZone: "UTC", plan: "free", createdAtMilliseconds: 11)
      #expect(
        try await refusal { _ = try await ledger.createUser(again, canonicalEmail: "mia@xn--bcher-kva.example", passwordHash: "h") }
          == .emailTaken)
    }
  }

  @Test("An operator's search finds all that share an address, by any of its spellings")
  func searched() async throws {
    try await withMigrated { (ledger: SQLLedger) async throws in
      for query in ["mia@bücher", "mia@bücher.example", "Mia@XN--BCHER-KVA.example"] {
        let found = try await ledger.users(matching: query, page: PageRequest()).items.map(\.id.text)
        #expect(Set(found).isSuperset(of: ["usr_00000000000001"]) && found.count <= 2, "\(query): \(found)")
      }
      #expect(try await ledger.users(matching: "Mia@XN--BCHER-KVA.example", page: PageRequest()).items.count == 2)
      #expect(try await ledger.users(matching: "Ben@Example.COM", page: PageRequest()).items.map(\.id.text) == ["usr_00000000000005"])
    }
  }
}
