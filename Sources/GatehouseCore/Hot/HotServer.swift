/// Redis gave no answer that can be used; the ledger serves instead.
public struct HotFailure: Error, Sendable, Equatable {
  /// A word for the log: `timeout`, `not_connected`, `loading`, ...
  public let reason: String
  /// A failure with its word for the log, which must hold nothing of a user.
  public init(reason: String) { self.reason = reason }
}

/// Redis itself: whether it can be used, what time it says, and what it has counted. Nothing throws: a failure is a value, and the ledger
/// serves instead.
public protocol HotServer: Sendable {
  /// Whether a command sent now would reach Redis.
  var isUsable: Bool { get }
  /// Whether Redis evicts keys when its memory is full, and so may forget what it counts; nil when it does not say.
  func mayForget() async -> Bool?
  /// Whether it was met lately to answer what the service needs with an error; no round trip.
  var refuses: Bool { get }
  /// Where it is, for people.
  var address: String { get }
  /// The timelines of the connections that there are, one for each.
  func timelines() async -> [String]
  /// Makes the connections anew that are on another timeline than the term's.
  func leaveStrays(of term: HotTerm)
  /// Deletes the hot state of users, counts that, and looks whether Redis's data has gone on since the drops before: in one step.
  func drop(_ routingIDs: [String], _ mark: HotMark) async -> HotDrop
  /// Drops the rate windows of a user who is gone, without waiting. A window that is missed ends by itself.
  func forget(routingID: String)
  /// Redis TIME in milliseconds, nil without an answer.
  func time() async -> Int64?
  /// Part of the epoch from now on.
  func setEra(_ era: Int64)
}
