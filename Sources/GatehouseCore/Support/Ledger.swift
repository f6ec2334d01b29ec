import GatehouseCrypto

// What the domain asks of its durable store. Every method is one transaction; `now` is milliseconds since 1970 UTC, given by the
// caller. Writes return after a COMMIT that is durable. All throw `ServiceError`: `overloaded` (nothing happened), `unavailable`
// (nothing happened), `outcomeUnknown`. A method whose result is `Changed` wrote a pending row for each user named in it.

/// Accounts and their changes.
public protocol AccountLedger: Sendable {
  /// Throws `emailTaken`, `externalIDTaken`.
  func createUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws -> User
  func user(_ id: UserID) async throws -> User?
  /// The same, without a word of whether the address is taken: then the feed of the account that has it is told, else the new one
  /// awaits its verification. Either way one transaction.
  func requestUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws
  /// The account that an address finds, however it is spelled; of several that share it the one that has this very spelling, else the
  /// oldest.
  func user(email: String) async throws -> User?
  /// Accounts whose address an older one has in another spelling: those that only their own spelling finds. At most `max`.
  func sharingAnAddress(max: Int) async throws -> [UserID]
  func user(externalID: String) async throws -> User?
  /// Users whose id, external id or email starts with `query` (all for ""), newest first.
  func users(matching query: String, page: PageRequest) async throws -> Page<User>
  /// The account and password hash behind an email, suspended accounts included, deleted ones not.
  func credentials(email: String) async throws -> Credentials?
  func credentials(of id: UserID) async throws -> Credentials?
  /// What stands before the salt in stored password hashes (`PasswordCost.text`), each once; the first thousand. It counts no users.
  func passwordCosts() async throws -> [String]
  /// Applies `changes`, keeps the open period through a change of zone, ends all sessions when a suspension is lifted, writes audit.
  /// A pending address may be another account's: it can't be verified then. Throws `notFound`, `externalIDTaken`.
  func changeUser(_ id: UserID, _ changes: UserChanges, by actor: Actor, now: Int64) async throws -> Changed<User>
  /// Frees email and external id, ends all sessions, sets `deleted`; rows follow through `purgeDeleted`. Throws `notFound`.
  func deleteUser(_ id: UserID, by actor: Actor, reason: String?, now: Int64) async throws -> Changed<Void>
  /// Removes up to `rowsMax` rows of deleted users; how many it removed.
  func purgeDeleted(rowsMax: Int) async throws -> Int
  /// Allowance standings of all metrics, sessions' count and what else an operator's view of a user shows.
  func overview(of id: UserID, now: Int64) async throws -> UserOverview?
  /// What happened to the user's account, newest first.
  func audit(of id: UserID, page: PageRequest) async throws -> Page<AuditEntry>
}

/// A user with the hash that proves their password.
public struct Credentials: Sendable, Equatable {
  public let user: User
  public let passwordHash: String
  public init(user: User, passwordHash: String) {
    self.user = user
    self.passwordHash = passwordHash
  }
}

/// What an operator sees of a user.
public struct UserOverview: Sendable, Equatable {
  public let user: User
  /// The scheme of the password hash: `argon2id`, `pbkdf2`, `scrypt` or `bcrypt`.
  public let passwordScheme: String
  public let sessionsLive: Int
  public let allowances: [Allowance]
  public init(user: User, passwordScheme: String, sessionsLive: Int, allowances: [Allowance]) {
    self.user = user
    self.passwordScheme = passwordScheme
    self.sessionsLive = sessionsLive
    self.allowances = allowances
  }
}

/// One change of an account: who did what, when and why. Instants are milliseconds since 1970 UTC.
public struct AuditEntry: Sendable, Equatable {
  /// Grows with every entry of the ledger.
  public let number: Int64
  public let occurredAtMilliseconds: Int64
  public let actor: String
  public let action: String
  public let reason: String?
  /// What changed, a JSON object.
  public let detail: String
  public init(number: Int64, occurredAtMilliseconds: Int64, actor: String, action: String, reason: String?, detail: String) {
    self.number = number
    self.occurredAtMilliseconds = occurredAtMilliseconds
    self.actor = actor
    self.action = action
    self.reason = reason
    self.detail = detail
  }
}

/// Sessions and their changes.
public protocol SessionLedger: Sendable {
  /// Inserts `session` only if the account is active and its hash is still `verifiedHash`; with `rehash` replaces the hash under the
  /// same condition. Beyond `sessionsMax` live sessions the least recently seen end. Sets `last_login_at`. nil: the condition failed,
  /// nothing was written.
  func openSession(_ session: Session, verifiedHash: String, rehash: String?, sessionsMax: Int) async throws -> Changed<Int>?
  /// The live session that a token's hash opens (one in use, a successor, or one within its grace) with its user, by the idle and
  /// absolute rule at `now`. A suspended user's session is found, a deleted user's is not.
  func session(tokenHash: Digest256, now: Int64) async throws -> FoundSession
  func session(_ id: SessionID, of user: UserID, now: Int64) async throws -> Session?
  /// Live sessions, each once, `first` first, then by last seen.
  func sessions(of user: UserID, first: SessionID?, page: PageRequest, now: Int64) async throws -> Page<Session>
  /// Prepares the successor of a live token of the session: stores its hash with the nonce and the key's id unless one stands already,
  /// and answers the one that stands. It has the age of the presented token's password. nil: the session is not live, or the token is
  /// none of its live ones. Throws `rateLimited` for a session that has too many live tokens.
  func prepareSuccessor(
    _ id: SessionID, presented: Digest256, hash: Digest256, nonce: [UInt8], keyID: String, now: Int64
  ) async throws -> Changed<Successor>?
  /// A further token of the session, for whoever presented a live one and has proved the password: `authenticated_at` of this token
  /// alone is `now`. Wrong passwords are counted anew. nil and throws as `prepareSuccessor`.
  func provePassword(_ id: SessionID, presented: Digest256, hash: Digest256, now: Int64) async throws -> Changed<Session>?
  /// The first use of a token that followed another. Every token of the session that was used before, and whose password is no newer,
  /// ends at `now` + `graceMilliseconds`, or earlier if that was said before. nil: nothing to do.
  func adoptSuccessor(_ hash: Digest256, graceMilliseconds: Int64, now: Int64) async throws -> Changed<Session>?
  /// Ends one session; false if there was no such live session of this user.
  func endSession(_ id: SessionID, of user: UserID, by actor: Actor, now: Int64) async throws -> Changed<Bool>
  /// Ends all live sessions of a user but `kept`; how many.
  func endSessions(of user: UserID, except kept: SessionID?, by actor: Actor, reason: String?, now: Int64) async throws -> Changed<Int>
  /// Ends everyone's sessions: raises the era and `sessions_valid_from`; how many were live.
  func endEveryone(by actor: Actor, reason: String, now: Int64) async throws -> Int
  /// Replaces the password if the hash is still `verifiedHash`, ends all sessions but `kept`, which gets `newTokenHash` in place
  /// of all its tokens, with `authenticated_at` = now. nil: the condition failed.
  func changePassword(
    of user: UserID, verifiedHash: String, newHash: String, kept: SessionID, newTokenHash: Digest256, now: Int64
  ) async throws -> Changed<Session>?
  /// Counts a wrong password of a live session, and ends it at `failuresMax` in a row; how many there are now, 0 without the session.
  func passwordFailed(_ id: SessionID, of user: UserID, failuresMax: Int, now: Int64) async throws -> Changed<Int>
  /// Writes `seen` later, without waiting; never moves it back.
  func touch(_ id: SessionID, seenAt now: Int64)
}

/// What the ledger knows of a token.
public enum FoundSession: Sendable, Equatable {
  /// `isSuccessor`: this is the first use of a rotated token, `adoptSuccessor` is due.
  case live(Session, User, isSuccessor: Bool)
  /// Past its idle or absolute end.
  case expired
  /// Ended, replaced, or never there: it can never become valid.
  case dead
}

/// A rotated token's ingredients: the token itself is derived again from the old secret. `session` is seen through it.
public struct Successor: Sendable, Equatable {
  public let session: Session
  public let nonce: [UInt8]
  public let keyID: String
  public init(session: Session, nonce: [UInt8], keyID: String) {
    self.session = session
    self.nonce = nonce
    self.keyID = keyID
  }
}

/// The first answer to an `Idempotency-Key`, kept 24 hours in the transaction of its effect.
public struct StoredAnswer: Sendable, Equatable {
  public let status: Int
  public let body: [UInt8]
  public let location: String?
  public init(status: Int, body: [UInt8], location: String? = nil) {
    self.status = status
    self.body = body
    self.location = location
  }
}

/// An `Idempotency-Key` with all that makes a replay safe. `scope` is the user's id or the service key's id.
public struct IdempotentCall: Sendable, Equatable {
  public let scope: String
  public let key: String
  /// A keyed digest of method, path and body: another body under the same key is `idempotencyKeyReused`.
  public let fingerprint: Digest256
  /// What the same request may have been stored as: its fingerprints by older keys of the server secret.
  public let olderFingerprints: [Digest256]
  public init(scope: String, key: String, fingerprint: Digest256, olderFingerprints: [Digest256] = []) {
    self.olderFingerprints = olderFingerprints
    self.scope = scope
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// The outcome of a call under an `Idempotency-Key`.
public enum Once<Value: Sendable>: Sendable {
  case first(Value)
  case replay(StoredAnswer)
}

/// A reservation to make, as the ledger is asked for it.
public struct ReservationRequest: Sendable {
  public let id: ReservationID
  public let userID: UserID
  public let metric: String
  public let amount: Int64
  public let leaseMilliseconds: Int64
  /// Commit at once.
  public let commit: Bool
  /// The open period that the gate named; nil: the ledger computes it from the user's zone.
  public let period: Period?
  /// Whether Redis holds the units: otherwise its copy lacks them and must be dropped.
  public let isHeld: Bool
  public let analysis: NewAnalysis?
  public init(
    id: ReservationID, userID: UserID, metric: String, amount: Int64, leaseMilliseconds: Int64, commit: Bool, period: Period?,
    isHeld: Bool, analysis: NewAnalysis?
  ) {
    self.id = id
    self.userID = userID
    self.metric = metric
    self.amount = amount
    self.leaseMilliseconds = leaseMilliseconds
    self.commit = commit
    self.period = period
    self.isHeld = isHeld
    self.analysis = analysis
  }
}

/// A reservation that is durable, with the user's standing after it.
public struct Reserved: Sendable, Equatable {
  public let reservation: Reservation
  public let allowance: Allowance
  public let analysis: Analysis?
  public init(reservation: Reservation, allowance: Allowance, analysis: Analysis?) {
    self.reservation = reservation
    self.allowance = allowance
    self.analysis = analysis
  }
}

/// Reservations, analyses and usage.
public protocol WorkLedger: Sendable {
  /// The stored answer of a call, nil if there is none. Throws `idempotencyKeyReused` for another fingerprint.
  func answer(to call: IdempotentCall, now: Int64) async throws -> StoredAnswer?
  /// Expires this user's and metric's overdue reservations, checks plan, override and bonus against `used + sum(open)`, inserts the
  /// reservation (and analysis) and the idempotency row with `encode`'s answer. Throws `allowanceExhausted` (with `allowance`),
  /// `notFound`, `suspended`, `idempotencyKeyReused`. `pending` is empty unless overdue reservations were expired, or
  /// units of a limited metric were taken that Redis does not hold.
  func reserve(
    _ request: ReservationRequest, call: IdempotentCall?, now: Int64, encode: @escaping @Sendable (Reserved) -> StoredAnswer
  ) async throws -> Changed<Once<Reserved>>
  /// Creates an analysis on a reservation that is held already. Throws `notFound`, `invalidTransition`, `reservationExpired`.
  func attachAnalysis(
    _ analysis: NewAnalysis, to reservation: ReservationID, of user: UserID, leaseMilliseconds: Int64?, call: IdempotentCall?, now: Int64,
    encode: @escaping @Sendable (Reserved) -> StoredAnswer
  ) async throws -> Once<Reserved>
  /// Commits `amount` (nil: all; the rest is released). The same commit again answers the same. Throws `notFound`,
  /// `invalidTransition`, `reservationExpired`. The units count in the reservation's own period.
  func commit(_ id: ReservationID, amount: Int64?, now: Int64) async throws -> Changed<Reserved>
  func release(_ id: ReservationID, now: Int64) async throws -> Changed<Reserved>
  func extend(_ id: ReservationID, leaseMilliseconds: Int64, now: Int64) async throws -> Changed<Reserved>
  func reservation(_ id: ReservationID) async throws -> Reservation?
  func analysis(_ id: AnalysisID, of user: UserID?) async throws -> Analysis?
  func analyses(of user: UserID, filter: AnalysisFilter, page: PageRequest) async throws -> Page<Analysis>
  /// Throws `notFound`, `invalidTransition`, `reservationExpired` (as api.md's PATCH row says, with `rereserve`).
  func report(_ id: AnalysisID, _ report: AnalysisReport, now: Int64) async throws -> Changed<Reserved>
  /// Cancels an open analysis and releases its units. Throws `notFound`, `invalidTransition`. A finished one is deleted (nil).
  func cancelAnalysis(_ id: AnalysisID, of user: UserID?, now: Int64) async throws -> Changed<Reserved?>
  /// Standings of every metric in its open period.
  func allowances(of user: UserID, now: Int64) async throws -> [Allowance]?
  /// Used units by period start in `[from, to)`.
  func dailyUsage(of user: UserID, metric: String, from: Int64, to: Int64) async throws -> [DailyUsage]
  func events(of user: UserID, from: Int64?, to: Int64?, page: PageRequest) async throws -> Page<UsageEvent>
  /// All or none. Throws `notFound` naming the first unknown user.
  func record(_ events: [UsageEvent], call: IdempotentCall, now: Int64, answer: StoredAnswer) async throws -> Once<Int>
  /// Expires up to `rowsMax` overdue reservations of anybody.
  func expireOverdue(rowsMax: Int, now: Int64) async throws -> Changed<Int>
  /// Removes rows that retention no longer keeps, up to `rowsMax` and fewer if they are large; how many, 0 when there are none.
  func prune(rowsMax: Int, now: Int64) async throws -> Int
}

/// Units used in one period.
public struct DailyUsage: Sendable, Equatable {
  public let periodStartsAtMilliseconds: Int64
  public let used: Int64
  /// The limit in force when the period was last written; nil is unlimited.
  public let limit: Int64?
  public init(periodStartsAtMilliseconds: Int64, used: Int64, limit: Int64?) {
    self.periodStartsAtMilliseconds = periodStartsAtMilliseconds
    self.used = used
    self.limit = limit
  }
}

/// Which analyses a list shows: `[from, to)` in milliseconds since 1970 UTC.
public struct AnalysisFilter: Sendable, Equatable {
  public var status: Analysis.Status?
  public var from: Int64?
  public var to: Int64?
  /// Whether `result` is read.
  public var includesResult: Bool
  public init(status: Analysis.Status? = nil, from: Int64? = nil, to: Int64? = nil, includesResult: Bool = false) {
    self.status = status
    self.from = from
    self.to = to
    self.includesResult = includesResult
  }
}

/// What keeps Redis in step with the ledger, and the service keys.
public protocol HotLedger: Sendable {
  /// A read transaction opened after this call began. nil: no such user, or deleted.
  func snapshot(of user: UserID, now: Int64) async throws -> HotSnapshot?
  func leasePoll() async throws -> LeasePoll
  /// Whether a pending row is still there.
  func isPending(_ change: PendingChange) async throws -> Bool
  /// Drops pending rows later, without waiting, each only if its sequence is still the one given. In the same transaction it notes
  /// what Redis's counter showed as their users were dropped there.
  func settled(_ changes: [PendingChange], by count: HotCount)
  /// Registers a timeline of Redis for a range of slots, under a new term and lineage. False, and nothing changed, if the registered
  /// timelines are no longer those that the proposal was made for.
  func register(_ registration: HotRegistration) async throws -> Bool
  /// No process serves from Redis: only for who knows that there is no other process. What is registered stays, unconfirmed.
  func vacate() async throws
  /// Gives every registered Redis a new term: all that it holds of users is cold. False if none is registered.
  func renewTerms(by actor: Actor, reason: String, now: Int64) async throws -> Bool
  /// A vacant registration is in use again: Redis was seen to know nothing newer than the ledger. Changes nothing if another came.
  func confirm(_ term: HotTerm) async throws
  func serviceKeys() async throws -> [ServiceKey]
  func createServiceKey(_ key: ServiceKey, by actor: Actor) async throws
  /// False if there is no such live key.
  func revokeServiceKey(_ id: ServiceKeyID, by actor: Actor, now: Int64) async throws -> Bool
  func touchServiceKey(_ id: ServiceKeyID, usedAt now: Int64)
  /// Keeps the time for processes to come, later and without waiting, unless an operator has accepted another since.
  func keepClock(_ record: ClockRecord)
  /// Accepts a time: every process goes on from it once it has polled, all hot state is cold, and the open reservations keep what is
  /// left of their leases, which are moved by `shiftMilliseconds`. What is now kept.
  func acceptClock(_ record: ClockRecord, shiftMilliseconds: Int64, by actor: Actor, reason: String, now: Int64) async throws -> ClockRecord
  /// False once the ledger can't be read or written any more.
  var isUp: Bool { get }
}

/// The whole durable store.
/// Mailed tokens, and the feed of what happened.
public protocol MailLedger: Sendable {
  /// Stores a new token if its user is active and its address is still the one to mail to; else false.
  func keep(_ token: SingleUse, by actor: Actor, now: Int64) async throws -> Bool
  /// The active user whose unspent token this is; nil if it is used, expired, unknown, or made for an address that is not in place.
  func owner(ofToken hash: Digest256, _ kind: Mail.Kind, now: Int64) async throws -> User?
  /// Spends a reset token: the new password, every session ended, the address verified, the pending one and all other tokens dropped.
  /// nil, and nothing changed, where `owner` is nil.
  func resetPassword(token: Digest256, newHash: String, now: Int64) async throws -> Changed<User>?
  /// Spends a verification token: the address verified, and the present one if it was pending. nil, and nothing changed, where `owner`
  /// is nil. Throws `emailTaken`, the token unspent, if another account has the address by now.
  func verifyEmail(token: Digest256, now: Int64) async throws -> Changed<User>?
  /// Events after a place in the feed, the oldest first; of one user, or of all. 0 is before the first.
  func feed(of user: UserID?, after number: Int64, limit: Int) async throws -> [FeedEvent]
}

/// The whole store.
public typealias Ledger = AccountLedger & SessionLedger & WorkLedger & HotLedger & MailLedger & ExportLedger
