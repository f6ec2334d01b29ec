/// The events of accounts, for the app's backend.
public struct Feed: Sendable {
  let ledger: any EventLedger

  /// The feed that `ledger` holds; it keeps no place of its own.
  public init(ledger: any EventLedger) { self.ledger = ledger }

  /// Events after a place in the feed, the oldest first, at most `limit`. 0 is before the first.
  public func events(after number: Int64, limit: Int) async throws -> [FeedEvent] {
    try await ledger.feed(of: nil, after: number, limit: limit)
  }
}
