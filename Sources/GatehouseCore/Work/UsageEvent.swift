/// One durable fact of the usage history. Instants are milliseconds since 1970 UTC; `metadata` is a JSON text.
public struct UsageEvent: Sendable, Equatable {
  public let id: UsageEventID
  public let userID: UserID
  public let action: String
  /// Metered events name their metric and amount; others have neither.
  public let metric: String?
  public let amount: Int64?
  public let occurredAtMilliseconds: Int64
  public let metadata: String

  public init(
    id: UsageEventID, userID: UserID, action: String, metric: String? = nil, amount: Int64? = nil, occurredAtMilliseconds: Int64,
    metadata: String
  ) {
    self.id = id
    self.userID = userID
    self.action = action
    self.metric = metric
    self.amount = amount
    self.occurredAtMilliseconds = occurredAtMilliseconds
    self.metadata = metadata
  }
}

/// Ids of usage events: one fact of the history.
public enum UsageEventKind: IdentifierKind {
  public static let prefix = "evt_"
}

/// The id of a usage event.
public typealias UsageEventID = Identifier<UsageEventKind>
