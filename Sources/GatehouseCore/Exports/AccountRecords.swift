/// All that is kept of one account, as it was at one instant: every page is of the same snapshot. It lives as long as the closure that it
/// is given to, on a thread that may block.
public protocol AccountRecords {
  /// The account; nil if it is gone.
  func user() throws -> User?
  /// Standings of every metric in its open period.
  func allowances(now: Int64) throws -> [Allowance]
  /// Live sessions at `now`, `first` first.
  func sessions(first: SessionID?, page: PageRequest, now: Int64) throws -> Page<Session>
  /// All analyses with their results, newest first.
  func analyses(page: PageRequest) throws -> Page<Analysis>
  /// The usage history, newest first.
  func usageEvents(page: PageRequest) throws -> Page<UsageEvent>
  /// The account's events in the backend's feed, the oldest first.
  func feed(page: PageRequest) throws -> Page<FeedEvent>
  /// The audit trail of the account, newest first.
  func audit(page: PageRequest) throws -> Page<AuditEntry>
}

/// Whole accounts.
public protocol ExportLedger: Sendable {
  /// Reads one account in one snapshot, on a reader that exports alone use, one export after another. While `body` runs the snapshot keeps
  /// the log from being cut: it must not wait for a client. Throws what `body` does, `overloaded` when too many exports wait, and
  /// `unavailable` when the ledger is closed meanwhile.
  func export<T: Sendable>(of user: UserID, _ body: @escaping @Sendable (any AccountRecords) throws -> T) async throws -> T
}
