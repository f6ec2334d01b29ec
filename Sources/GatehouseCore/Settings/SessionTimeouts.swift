/// The class of session that a login opens: it decides the idle and absolute timeouts.
public enum SessionClass: String, Sendable, CaseIterable { case web, remember, mobile }

/// How long the sessions of a class live: the one place where the idle rule is written in Swift (the gate script holds its twin).
public struct SessionTimeouts: Sendable, Equatable {
  /// Milliseconds for which a session lives at least after its last noted use, unless its absolute end comes first.
  public let idleMilliseconds: Int64
  /// Milliseconds from the login to the end that no use moves.
  public let absoluteMilliseconds: Int64
  /// Timeouts of a class; `idleMilliseconds` should not be greater than `absoluteMilliseconds`.
  public init(idleMilliseconds: Int64, absoluteMilliseconds: Int64) {
    self.idleMilliseconds = idleMilliseconds
    self.absoluteMilliseconds = absoluteMilliseconds
  }

  /// The longest time between two writes of `seen`.
  public static let touchMillisecondsMax: Int64 = 300_000

  /// A session's `seen` is written when it is older than this: min(idle / 10, 5 minutes).
  public var touchMilliseconds: Int64 { min(idleMilliseconds / 10, Self.touchMillisecondsMax) }

  /// The instant after which an untouched session is dead: never early, late by at most twice the touch interval.
  public func idleEnd(seenAtMilliseconds seen: Int64) -> Int64 { seen + idleMilliseconds + 2 * touchMilliseconds }
}
