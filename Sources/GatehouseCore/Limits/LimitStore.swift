/// Redis's answer about one subject's policies.
public struct HotCheck: Sendable, Equatable {
  /// In the order of the charges, like `windows`.
  public let verdicts: [SubjectVerdict]
  /// The windows after the call.
  public let windows: [PackedWindow]
  /// Redis TIME.
  public let nowMilliseconds: Int64
  /// An answer; `verdicts` and `windows` must be as many as the charges.
  public init(verdicts: [SubjectVerdict], windows: [PackedWindow], nowMilliseconds: Int64) {
    self.verdicts = verdicts
    self.windows = windows
    self.nowMilliseconds = nowMilliseconds
  }
}

/// Units of one policy that a check has taken in Redis.
public struct TakenCell: Sendable, Equatable {
  /// The policy under which they count, as it was then.
  public let policy: Policy
  /// The number of the window's cell that they went into.
  public let cell: UInt32
  /// How many there are, at least 1.
  public let units: Int64
  /// Units as they were taken; others of the same cell are not told apart.
  public init(policy: Policy, cell: UInt32, units: Int64) {
    self.policy = policy
    self.cell = cell
    self.units = units
  }
}

/// Redis's windows of one subject, after units of them went back.
public struct HotWindows: Sendable, Equatable {
  /// In the order of the policies that were named.
  public let windows: [PackedWindow]
  /// Redis TIME.
  public let nowMilliseconds: Int64
  /// An answer; `windows` must be as many as the policies.
  public init(windows: [PackedWindow], nowMilliseconds: Int64) {
    self.windows = windows
    self.nowMilliseconds = nowMilliseconds
  }
}

/// The part of the hot state that counts addresses and other subjects. Nothing throws: a failure is a value, and this process counts.
public protocol LimitStore: HotServer {
  /// Counts an attempt of one subject under several policies, together: all are charged, or none. One command.
  func check(
    _ subject: Subject, _ charges: [PolicyCharge], peek: Bool, under term: HotTerm
  ) async -> Result<HotCheck, HotFailure>
  /// Gives back units that a check of the subject has taken under the same term. One command, sent once: a repeat could give back
  /// somebody else's.
  func giveBack(_ subject: Subject, _ taken: [TakenCell], under term: HotTerm) async -> Result<HotWindows, HotFailure>
}
