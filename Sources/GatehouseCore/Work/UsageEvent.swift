/// One durable fact of the usage history. Instants are milliseconds since 1970 UTC; `metadata` is a JSON text.
public struct UsageEvent: Sendable, Equatable {
  /// The event's id, which it keeps for good.
  public let id: UsageEventID
  /// The user that the event is about.
  public let userID: UserID
  /// The name of the act: the service's own, such as `analysis_completed`, or the app's.
  public let action: String
  /// Metered events name their metric and amount; others have neither.
  public let metric: String?
  /// Units that were used; nil for an event that is not metered.
  public let amount: Int64?
  /// The instant of the act, which an app may have put into the past.
  public let occurredAtMilliseconds: Int64
  /// A JSON object with the particulars, as the app or the service wrote it.
  public let metadata: String

  /// An event to be written; `metadata` must be the text of a JSON object.
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
public enum UsageEventKind: DatedIdentifierKind {
  /// The beginning of every usage event's id.
  public static let prefix = "evt_"
}

/// The id of a usage event.
public typealias UsageEventID = Identifier<UsageEventKind>
