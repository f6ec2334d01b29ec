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

/// The part of the hot state that counts addresses and other subjects. Nothing throws: a failure is a value, and this process counts.
public protocol LimitStore: HotServer {
  /// Counts an attempt of one subject under several policies, together: all are charged, or none. One command.
  func check(
    _ subject: Subject, _ charges: [PolicyCharge], peek: Bool, under term: HotTerm
  ) async -> Result<HotCheck, HotFailure>
}
