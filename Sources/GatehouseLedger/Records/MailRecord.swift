import GatehouseCore
import GatehouseCrypto

/// Mailed tokens. The statement that takes a token's row away is what makes it good once.
enum MailRecord {
  static let insert = """
    INSERT INTO single_use_tokens (hash, user_id, kind, canonical_email, expires_at) VALUES (?, ?, ?, ?, ?)
    """
  static let find = "SELECT user_id, canonical_email FROM single_use_tokens WHERE hash = ? AND kind = ? AND expires_at > ?"
  static let spend = "DELETE FROM single_use_tokens WHERE hash = ?"
  static let dropAll = "DELETE FROM single_use_tokens WHERE user_id = ?"
  static let resetPassword =
    "UPDATE users SET password_hash = ?, email_verified = 1, awaits_verification = 0, pending_email = NULL WHERE id = ?"
  static let setVerified = "UPDATE users SET email_verified = 1, awaits_verification = 0 WHERE id = ?"
  static let setEmail = """
    UPDATE users SET email = ?, canonical_email = ?, sibling_email = NULL, sibling_of = NULL, email_verified = 1,
      awaits_verification = 0, pending_email = NULL
    WHERE id = ?
    """

  /// The user whom a token still serves, with the row's state as it is now.
  static func owner(_ hash: Digest256, _ kind: Mail.Purpose, _ db: any LedgerTransaction, now: Int64) throws -> User? {
    guard let row = try db.row(find, [hash.bytes, kind.rawValue, now]),
      let user = try db.row(UserRecord.byID, [row["user_id"] as String]).map(User.init(row:))
    else { return nil }
    return try canonical(kind, user) == row["canonical_email"] ? user : nil
  }

  /// The canonical address that mails of `kind` go to now; nil for a user who gets none.
  static func canonical(_ kind: Mail.Purpose, _ user: User) -> String? {
    guard user.status == .active else { return nil }
    let address = kind == .passwordReset ? user.email : user.addressToVerify
    return address.map { EmailAddress.Forms($0).canonical }
  }
}

extension SQLLedger: MailLedger {
  /// Stores the token's hash, and the request in the audit trail, in one transaction; false, and nothing written, if the user is not active
  /// or mails of this kind now go to another address.
  public func keep(_ token: SingleUse, by actor: AuditActor, now: Int64) async throws -> Bool {
    try await write { db in
      guard let user = try db.row(UserRecord.byID, [token.userID.text]).map(User.init(row:)),
        MailRecord.canonical(token.kind, user) == token.canonicalEmail
      else { return false }
      try db.run(
        MailRecord.insert,
        [token.hash.bytes, token.userID.text, token.kind.rawValue, token.canonicalEmail, token.expiresAtMilliseconds])
      try db.audit(token.userID, token.kind.requested, by: actor, now: now)
      try db.stamp(now)
      return true
    }
  }

  /// The active user for whom an unspent token of this kind is still good at `now`; nil otherwise, whatever the reason.
  public func owner(ofToken hash: Digest256, _ kind: Mail.Purpose, now: Int64) async throws -> User? {
    try await read { db in try MailRecord.owner(hash, kind, db, now: now) }
  }

  /// Spends the token and sets the password, ends all sessions, drops the user's other mailed tokens and the pending address, and verifies
  /// the address, in one transaction. nil, and nothing changed, if the token is not good.
  public func resetPassword(token: Digest256, newHash: String, now: Int64) async throws -> Unacknowledged<User>? {
    try await write { db in
      guard var user = try MailRecord.owner(token, .passwordReset, db, now: now) else { return nil }
      guard try db.run(MailRecord.spend, [token.bytes]) == 1 else { return nil }
      // The reader of the mailbox owns the account: nothing that somebody else began in it may go on.
      try db.run(MailRecord.resetPassword, [newHash, user.id.text])
      try db.run(MailRecord.dropAll, [user.id.text])
      try SessionRecord.endAll(of: user.id, .passwordReset, db, now: now)
      try db.audit(user.id, .passwordReset, by: .user(user.id), now: now)
      try db.event(.passwordReset, user.id, now: now)
      if !user.emailVerified { try db.event(.userEmailVerified, user.id, now: now, ["email": .text(user.email)]) }
      user.emailVerified = true
      user.awaitsVerification = false
      user.pendingEmail = nil
      return Unacknowledged(user, pending: [try db.pending(user.id, now: now)])
    }
  }

  /// Spends the token and verifies the address that it was made for, in one transaction; a pending address becomes the account's. nil, and
  /// nothing changed, if the token is not good; throws `emailTaken`.
  public func verifyEmail(token: Digest256, now: Int64) async throws -> Unacknowledged<User>? {
    try await write { [addresses] db in
      guard var user = try MailRecord.owner(token, .emailVerification, db, now: now) else { return nil }
      guard try db.run(MailRecord.spend, [token.bytes]) == 1 else { return nil }
      if let text = user.pendingEmail {
        let canonical = EmailAddress.Forms(text).canonical
        try Self.requireFree(email: canonical, for: user.id, db)
        try AddressRecord.keep(user, addresses, db, self.rules, now: now)
        try db.run(MailRecord.setEmail, [text, canonical, user.id.text])
        try UserRecord.pass(on: user.email, db)
        try db.run(MailRecord.dropAll, [user.id.text])
        try db.audit(user.id, .emailChanged, by: .user(user.id), now: now)
        try db.event(.userEmailChanged, user.id, now: now, ["email": .text(text), "previous_email": .text(user.email)])
        user.email = text
        user.pendingEmail = nil
      } else {
        try db.run(MailRecord.setVerified, [user.id.text])
      }
      user.emailVerified = true
      user.awaitsVerification = false
      try db.audit(user.id, .emailVerified, by: .user(user.id), now: now)
      try db.event(.userEmailVerified, user.id, now: now, ["email": .text(user.email)])
      return Unacknowledged(user, pending: [try db.pending(user.id, now: now)])
    }
  }
}
