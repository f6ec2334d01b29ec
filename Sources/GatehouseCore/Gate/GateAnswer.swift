import GatehouseCrypto

/// The gate's answer: everything that its HTTP answer shows. Instants are milliseconds since 1970 UTC.
public struct GateAnswer: Sendable {
  /// The store that decided.
  public enum Source: String, Sendable { case redis, ledger }

  public var decision: Decision
  public var source: Source
  public var nowMilliseconds: Int64
  public var caller: HotDecision.Caller?
  public var sessionFacts: HotDecision.SessionFacts?
  /// Address and subject policies first, then the user's.
  public var standings: [PolicyStanding]
  public var allowance: Allowance?
  public var reserved: Once<Reserved>?
  public var retryAfterSeconds: Int?
  /// One sentence for the problem of a refusal; nil for `allow`.
  public var detail: String?
  /// The needs of the call beyond a valid session; a refusal names the one that is missing.
  public var requirements = Requirements()

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

/// A question to the gate, checked and with its policies looked up.
public struct GateRequest: Sendable {
  /// For whom the gate is asked.
  public enum Identity: Sendable {
    case token(routingID: String, hash: Digest256)
    /// A backend's call on a user's account: no session is checked.
    case user(UserID)
  }

  /// Units to reserve with the decision.
  public struct Reserve: Sendable {
    public let metric: String
    public let amount: Int64
    public let leaseMilliseconds: Int64
    public let commit: Bool
    public let analysis: NewAnalysis?
    /// Digest of caller and `Idempotency-Key`: retries share one hold.
    public let holdID: String
    public let call: IdempotentCall?
    /// The answer to keep for replays.
    public let encode: @Sendable (Reserved) -> StoredAnswer

    public init(
      metric: String, amount: Int64, leaseMilliseconds: Int64, commit: Bool, analysis: NewAnalysis?, holdID: String, call: IdempotentCall?,
      encode: @escaping @Sendable (Reserved) -> StoredAnswer
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

  public let subject: Identity
  public let subjectCharges: [SubjectCharge]
  public let charges: [PolicyCharge]
  public let requirements: Requirements
  public let reserve: Reserve?
  public let peek: Bool

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
