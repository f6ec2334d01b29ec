import GatehouseCrypto

/// The gate's answer: everything that its HTTP answer shows. Instants are milliseconds since 1970 UTC.
public struct GateAnswer: Sendable {
  /// The store that decided.
  public enum Source: String, Sendable { case redis, ledger }

  /// Whether the call may go on, else the first reason against it.
  public var decision: Decision
  /// The store that the decision was made on.
  public var source: Source
  /// The instant of the decision, from which waits are counted: Redis's clock, or the service's where the ledger decided.
  public var nowMilliseconds: Int64
  /// The user who calls, with the plan in force; nil if nobody is known to be calling.
  public var caller: HotDecision.Caller?
  /// The session that the token opened; nil for a call without a token, for a suspended user, and if nobody is known to be calling.
  public var sessionFacts: HotDecision.SessionFacts?
  /// Address and subject policies first, then the user's.
  public var standings: [PolicyStanding]
  /// The standing with the metric that was asked for, a granted reservation included; nil unless units were asked for and looked at.
  public var allowance: Allowance?
  /// The reservation that was made, or the stored answer of a call that is repeated; nil if no units were reserved.
  public var reserved: Once<Reserved>?
  /// Whole seconds after which the same call can pass; nil where no wait helps or none is known.
  public var retryAfterSeconds: Int?
  /// One sentence for the problem of a refusal; nil for `allow`.
  public var detail: String?
  /// The needs of the call beyond a valid session; a refusal names the one that is missing.
  public var requirements = Requirements()

  /// An answer without requirements; set `requirements` for a refusal that names one.
  public init(
    decision: Decision, source: Source, nowMilliseconds: Int64, caller: HotDecision.Caller? = nil,
    sessionFacts: HotDecision.SessionFacts? = nil,
    standings: [PolicyStanding] = [], allowance: Allowance? = nil, reserved: Once<Reserved>? = nil, retryAfterSeconds: Int? = nil,
    detail: String? = nil
  ) {
    self.decision = decision
    self.source = source
    self.nowMilliseconds = nowMilliseconds
    self.caller = caller
    self.sessionFacts = sessionFacts
    self.standings = standings
    self.allowance = allowance
    self.reserved = reserved
    self.retryAfterSeconds = retryAfterSeconds
    self.detail = detail
  }

  /// Nobody is known to be calling.
  static func unauthenticated(source: Source, now: Int64) -> GateAnswer {
    GateAnswer(
      decision: .unauthenticated, source: source, nowMilliseconds: now,
      detail: ServiceError.sessionTokenDetail)
  }
}

/// A question to the gate, checked and with its policies looked up. An object that never changes: it is handed on from step to step.
public final class GateRequest: Sendable {
  /// For whom the gate is asked.
  public enum Identity: Sendable {
    /// The session of a token: the user that it names, and the token's hash.
    case token(routingID: String, hash: Digest256)
    /// A backend's call on a user's account: no session is checked.
    case user(UserID)
  }

  /// Units to reserve with the decision.
  public struct Reserve: Sendable {
    /// The metric to take units of, which the configuration must have.
    public let metric: String
    /// Units to hold, at least 1.
    public let amount: Int64
    /// Milliseconds from the decision on after which units that were not committed return.
    public let leaseMilliseconds: Int64
    /// Whether the units are used at once, in place of being held.
    public let commit: Bool
    /// The job to create in the same transaction; nil for units alone.
    public let analysis: NewAnalysis?
    /// Digest of caller and `Idempotency-Key`: retries share one hold.
    public let holdID: String
    /// The idempotent call that this is; nil for one that may take units again when it is repeated.
    public let call: IdempotentCall?
    /// The answer to keep for replays.
    public let encode: ReservedAnswer

    /// A demand for units; `holdID` must be the same for each repeat of one call, and `encode` must give no secret.
    public init(
      metric: String, amount: Int64, leaseMilliseconds: Int64, commit: Bool, analysis: NewAnalysis?, holdID: String, call: IdempotentCall?,
      encode: ReservedAnswer
    ) {
      self.metric = metric
      self.amount = amount
      self.leaseMilliseconds = leaseMilliseconds
      self.commit = commit
      self.analysis = analysis
      self.holdID = holdID
      self.call = call
      self.encode = encode
    }
  }

  /// The session or the user whose state decides.
  public let subject: Identity
  /// Policies of addresses and other subjects, decided before the user's state is read.
  public let subjectCharges: [SubjectCharge]
  /// Policies of the user, decided together with the user's state.
  public let charges: [PolicyCharge]
  /// The needs of the call beyond a valid session.
  public let requirements: Requirements
  /// Units to reserve if everything else allows the call; nil for none.
  public let reserve: Reserve?
  /// Whether nothing is spent, held or written: the answer is the one that the call would get.
  public let peek: Bool

  /// A question; without further arguments it asks for a valid session, or an active user, alone.
  public init(
    subject: Identity, subjectCharges: [SubjectCharge] = [], charges: [PolicyCharge] = [], requirements: Requirements = Requirements(),
    reserve: Reserve? = nil, peek: Bool = false
  ) {
    self.subject = subject
    self.subjectCharges = subjectCharges
    self.charges = charges
    self.requirements = requirements
    self.reserve = reserve
    self.peek = peek
  }

  /// The user whose state decides; nil for a token whose routing id has no user's shape.
  var userID: UserID? {
    switch subject {
    case .token(let routingID, _): UserID(routingID: routingID)
    case .user(let id): id
    }
  }

  var tokenHash: Digest256? {
    if case .token(_, let hash) = subject { return hash }
    return nil
  }
}
