import Synchronization

/// Refusals of a moment ago: who is attacked, or attacks, is refused again without asking Redis each time. A refused attempt spends
/// nothing, so asking would change nothing either.
final class KnownRefusals: Sendable {
  /// A refusal is believed no longer than this, so that an operator who deletes a window is heard.
  static let trustedFor: Duration = .seconds(1)
  /// How many are kept; beyond that Redis is asked.
  static let countMax = 10_000

  private struct Refusal {
    let verdict: SubjectVerdict
    let until: ContinuousClock.Instant
  }

  private struct Key: Hashable {
    let policy: String
    let subject: Subject
  }

  private let refusals: Mutex<[Key: Refusal]> = Mutex([:])

  /// The refusal of this subject under this policy, if it still stands.
  func verdict(_ charge: SubjectCharge, now: ContinuousClock.Instant = .now) -> SubjectVerdict? {
    let refusal = refusals.withLock { $0[Key(policy: charge.policy.fieldName, subject: charge.subject)] }
    return refusal.flatMap { now < $0.until ? $0.verdict : nil }
  }

  /// Units of these subjects went back: what was refused a moment ago may pass now.
  func forget(_ charges: [SubjectCharge]) {
    refusals.withLock { refusals in
      for charge in charges { refusals[Key(policy: charge.policy.fieldName, subject: charge.subject)] = nil }
    }
  }

  /// Keeps a refusal for as long as it is true and believed.
  func remember(_ verdict: SubjectVerdict, of charge: SubjectCharge, now: ContinuousClock.Instant = .now) {
    guard !verdict.allowed else { return }
    let wait = verdict.retryAfterSeconds.map { Duration.seconds($0) } ?? Self.trustedFor
    let refusal = Refusal(verdict: verdict, until: now + min(wait, Self.trustedFor))
    refusals.withLock { refusals in
      if refusals.count >= Self.countMax { refusals = refusals.filter { now < $0.value.until } }
      guard refusals.count < Self.countMax else { return }
      refusals[Key(policy: charge.policy.fieldName, subject: charge.subject)] = refusal
    }
  }
}
