import GatehouseCore

/// Every Redis key of Gatehouse, named in one place. All keys of a user share a hash tag, so they live in one cluster slot.
public enum KeySpace {
  /// The counter that tells whether Redis's data has gone on or back: one for each server.
  public static let counter = "gh:{counter}"
  /// Where the account is tried; there only while the trial runs.
  static let trial = "gh:{trial}"
  /// All keys, as the account's line names them.
  static let pattern = "~gh:*"
  /// The user's hash: account, sessions, allowances, holds.
  public static func user(_ id: UserID) -> String { user(routingID: id.routingID) }
  /// The hash of the user with this routing id.
  public static func user(routingID: String) -> String { "gh:{\(routingID)}" }
  /// The user's rate windows, one field a policy.
  public static func windows(_ id: UserID) -> String { windows(routingID: id.routingID) }
  /// The rate windows of the user with this routing id.
  public static func windows(routingID: String) -> String { "gh:{\(routingID)}:rl" }
  /// The parts of a user's two keys, around the routing id.
  static let head = Array("gh:{".utf8), userTail = Array("}".utf8), windowsTail = Array("}:rl".utf8)

  /// Hands the bytes of a user's routing id to `body`.
  static func withRouting(_ id: UserID, _ body: (UnsafeRawBufferPointer) -> Void) {
    var text = id.text
    text.withUTF8 { body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer($0).dropFirst(UserKind.prefix.utf8.count))) }
  }

  /// The rate windows of an address or another subject. Those that the service counts by itself (`own`) are no app's.
  public static func windows(_ subject: Subject) -> String {
    switch subject {
    case .network(let network): "gh:{ip:\(network)}:rl"
    case .keyed(let digest): "gh:{sub:\(digest)}:rl"
    case .ownNetwork(let network): "gh:{own:ip:\(network)}:rl"
    case .own(let digest): "gh:{own:\(digest)}:rl"
    }
  }

  /// A metric in the names of fields: counted by another kind of period it is another field, and the old one is never looked at again.
  public static func metricWord(_ metric: String, _ kind: Period.Kind) -> String {
    switch kind {
    case .day: metric
    case .month: metric + monthMark
    }
  }

  /// No metric's name holds an `@`.
  private static let monthMark = "@month"

  /// The metric behind its word.
  public static func metric(ofWord word: Substring) -> Substring { word.hasSuffix(monthMark) ? word.dropLast(monthMark.utf8.count) : word }
}
