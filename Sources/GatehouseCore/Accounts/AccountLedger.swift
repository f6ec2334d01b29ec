/// Accounts and their changes.
public protocol AccountLedger: Sendable {
  /// Adds an account. Throws `emailTaken`, `externalIDTaken`.
  func createUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws -> User
  /// Adds an account, and tells nobody but the feed whether the address is taken: if it is, the feed has an event of the account that has
  /// it, else the new account awaits its verification. Either way one transaction.
  func requestUser(_ user: User, canonicalEmail: String, passwordHash: String) async throws
  /// An account by its id; nil without one, and for a deleted one.
  func user(_ id: UserID) async throws -> User?
  /// The account that an address finds, however it is spelled; of several that share it the one that has this very spelling, else the
  /// oldest.
  func user(email: String) async throws -> User?
  /// Accounts whose address an older one has in another spelling: those that only their own spelling finds. At most `max`.
  func sharingAnAddress(max: Int) async throws -> [UserID]
  /// The account that has the app's own id; nil without one.
  func user(externalID: String) async throws -> User?
  /// Users whose id, external id or email starts with `query` (all for ""), newest first.
  func users(matching query: String, page: PageRequest) async throws -> Page<User>
  /// The account and password hash behind an email, suspended accounts included, deleted ones not.
  func credentials(email: String) async throws -> Credentials?
  /// The account of this id and its password hash, suspended accounts included, deleted ones not.
  func credentials(of id: UserID) async throws -> Credentials?
  /// The costs of stored password hashes (`PasswordCost.text`, all that stands before the salt), each once; the first thousand. It
  /// counts no users.
  func passwordCosts() async throws -> [String]
  /// Applies `changes`, keeps the open period through a change of zone, ends all sessions when a suspension is lifted, writes audit.
  /// A pending address may be another account's: it can't be verified then. Throws `notFound`, `externalIDTaken`.
  func changeUser(_ id: UserID, _ changes: UserChanges, by actor: AuditActor, now: Int64) async throws -> Unacknowledged<User>
  /// Frees email and external id, ends all sessions, sets `deleted`; rows follow through `purgeDeleted`. Throws `notFound`.
  func deleteUser(_ id: UserID, by actor: AuditActor, reason: String?, now: Int64) async throws -> Unacknowledged<Void>
  /// Removes up to `rowsMax` rows of deleted users; how many it removed.
  func purgeDeleted(rowsMax: Int) async throws -> Int
  /// A user as an operator sees them, with the standings of all metrics and the number of live sessions; nil without one.
  func overview(of id: UserID, now: Int64) async throws -> UserOverview?
  /// The audit trail of the user's account, newest first.
  func audit(of id: UserID, page: PageRequest) async throws -> Page<AuditEntry>
}
