/// All that is kept of one account, as it was at one instant: every page is of the same snapshot. It lives as long as the closure that it
/// is given to, on a thread that may block.
public protocol AccountRecords {
  /// nil: the account is gone.
  func user() throws -> User?
  /// Standings of every metric in its open period.
  func allowances(now: Int64) throws -> [Allowance]
  func sessions(first: SessionID?, page: PageRequest, now: Int64) throws -> Page<Session>
  /// With their results.
  func analyses(page: PageRequest) throws -> Page<Analysis>
  func usageEvents(page: PageRequest) throws -> Page<UsageEvent>
  /// The account's events in the backend's feed, the oldest first.
  func feed(page: PageRequest) throws -> Page<FeedEvent>
  func audit(page: PageRequest) throws -> Page<AuditEntry>
}

/// Whole accounts.
public protocol ExportLedger: Sendable {
  /// Reads one account in one snapshot, on a reader that exports alone use, one export after another. While `body` runs the snapshot keeps
  /// the log from being cut: it must not wait for a client. Throws what `body` does, `overloaded` when too many exports wait, and
  /// `unavailable` when the ledger is closed meanwhile.
  func export<T: Sendable>(of user: UserID, _ body: @escaping @Sendable (any AccountRecords) throws -> T) async throws -> T
}
