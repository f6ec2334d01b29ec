import GatehouseCrypto

/// Sessions and their changes.
public protocol SessionLedger: Sendable {
  /// Inserts `session` only if the account is active and its hash is still `verifiedHash`; with `rehash` replaces the hash under the
  /// same condition. Beyond `sessionsMax` live sessions the least recently seen end. Sets `last_login_at`. nil: the condition failed,
  /// nothing was written.
  func openSession(_ session: Session, verifiedHash: String, rehash: String?, sessionsMax: Int) async throws -> Unacknowledged<Int>?
  /// The live session that a token's hash opens (one in use, a successor, or one within its grace) with its user, by the idle and
  /// absolute rule at `now`. A suspended user's session is found, a deleted user's is not.
  func session(tokenHash: Digest256, now: Int64) async throws -> FoundSession
  /// A live session of a user by its id; nil without one.
  func session(_ id: SessionID, of user: UserID, now: Int64) async throws -> Session?
  /// Live sessions, each once, `first` first, then by last seen.
  func sessions(of user: UserID, first: SessionID?, page: PageRequest, now: Int64) async throws -> Page<Session>
  /// Prepares the successor of a live token of the session: stores its hash with the nonce and the key's id unless one stands already,
  /// and answers the one that stands. It has the age of the presented token's password. nil: the session is not live, or the token is
  /// none of its live ones. Throws `rateLimited` for a session that has too many live tokens.
  func prepareSuccessor(
    _ id: SessionID, presented: Digest256, hash: Digest256, nonce: [UInt8], keyID: String, now: Int64
  ) async throws -> Unacknowledged<Successor>?
  /// A further token of the session, for whoever presented a live one and has proved the password: `authenticated_at` of this token
  /// alone is `now`. Wrong passwords are counted anew. nil and throws as `prepareSuccessor`.
  func provePassword(_ id: SessionID, presented: Digest256, hash: Digest256, now: Int64) async throws -> Unacknowledged<Session>?
  /// The first use of a token that followed another. Every token of the session that was used before, and whose password is no newer,
  /// ends at `now` + `graceMilliseconds`, or earlier if that was said before. nil: nothing to do.
  func adoptSuccessor(_ hash: Digest256, graceMilliseconds: Int64, now: Int64) async throws -> Unacknowledged<Session>?
  /// Ends one session; false if there was no such live session of this user.
  func endSession(_ id: SessionID, of user: UserID, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<Bool>
  /// Ends all live sessions of a user but `kept`; how many.
  func endSessions(of user: UserID, except kept: SessionID?, by actor: AuditActor, reason: String?, now: Int64) async throws
    -> Unacknowledged<Int>
  /// Ends everyone's sessions: raises the era and `sessions_valid_from`; how many were live.
  func endEveryone(by actor: AuditActor, reason: String, now: Int64) async throws -> Unacknowledged<Int>
  /// Replaces the password if the hash is still `verifiedHash`, ends all sessions but `kept`, which gets `newTokenHash` in place
  /// of all its tokens, with `authenticated_at` = now. nil: the condition failed.
  func changePassword(
    of user: UserID, verifiedHash: String, newHash: String, kept: SessionID, newTokenHash: Digest256, now: Int64
  ) async throws -> Unacknowledged<Session>?
  /// Counts a wrong password of a live session, and ends it at `failuresMax` in a row; how many there are now, 0 without the session.
  func passwordFailed(_ id: SessionID, of user: UserID, failuresMax: Int, now: Int64) async throws -> Unacknowledged<Int>
  /// Writes `seen` later, without waiting; never moves it back.
  func touch(_ id: SessionID, seenAt now: Int64)
}
