/// The feed of what happened, in the order of the commits.
public protocol EventLedger: Sendable {
  /// Events after a place in the feed, the oldest first; of one user, or of all. 0 is before the first.
  func feed(of user: UserID?, after number: Int64, limit: Int) async throws -> [FeedEvent]
}
