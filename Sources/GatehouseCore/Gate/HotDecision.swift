/// The decision of the gate; the first that applies, in this order.
public enum Decision: String, Sendable, CaseIterable {
  case unauthenticated
  case suspended
  case reauthenticationRequired = "reauthentication_required"
  case emailUnverified = "email_unverified"
  case planRequired = "plan_required"
  case costExceedsLimit = "cost_exceeds_limit"
  case rateLimited = "rate_limited"
  case allowanceExhausted = "allowance_exhausted"
  case allow

  /// Whether the caller is known and meets every requirement: only limits decided.
  var isAfterRequirements: Bool {
    switch self {
    case .unauthenticated, .suspended, .reauthenticationRequired, .emailUnverified, .planRequired: false
    case .costExceedsLimit, .rateLimited, .allowanceExhausted, .allow: true
    }
  }
}

/// An answer of the hot state.
public enum HotReply: Sendable {
  /// Nothing is known of the user: rebuild under this ticket, at this time.
  case cold(ticket: String, nowMilliseconds: Int64)
  /// The user is warm and has no such session: the ledger must say whether it is dead.
  case absent
  /// The first use of a rotated token: the ledger must adopt it.
  case rotated
  case decided(HotDecision)
}

/// A decision with the state it was made on.
public struct HotDecision: Sendable {
  /// The calling user, as the hot state knows them.
  public struct Caller: Sendable, Equatable {
    public let id: UserID
    public let externalID: String?
    public let plan: String
    public let status: UserStatus
    public let emailVerified: Bool
    public init(id: UserID, externalID: String?, plan: String, status: UserStatus, emailVerified: Bool) {
      self.id = id
      self.externalID = externalID
      self.plan = plan
      self.status = status
      self.emailVerified = emailVerified
    }
  }

  /// The session that the token opened.
  public struct SessionFacts: Sendable, Equatable {
    public let id: SessionID
    public let sessionClass: SessionClass
    public let createdAtMilliseconds: Int64
    public let authenticatedAtMilliseconds: Int64
    public let seenAtMilliseconds: Int64
    public let expiresAtMilliseconds: Int64
    public init(
      id: SessionID, sessionClass: SessionClass, createdAtMilliseconds: Int64, authenticatedAtMilliseconds: Int64,
      seenAtMilliseconds: Int64, expiresAtMilliseconds: Int64
    ) {
      self.id = id
      self.sessionClass = sessionClass
      self.createdAtMilliseconds = createdAtMilliseconds
      self.authenticatedAtMilliseconds = authenticatedAtMilliseconds
      self.seenAtMilliseconds = seenAtMilliseconds
      self.expiresAtMilliseconds = expiresAtMilliseconds
    }
  }

  public let decision: Decision
  public let nowMilliseconds: Int64
  public let caller: Caller
  public let sessionFacts: SessionFacts?
  /// In the order of the charges; empty when the decision fell before the limits.
  public let standings: [PolicyStanding]
  /// Whole seconds until this call's costs fit, for `rateLimited`.
  public let retryAfterSeconds: Int?
  /// The standing with the held metric, this hold included.
  public let allowance: Allowance?
  /// The session's `seen` was moved to now: the ledger's must follow.
  public let touched: Bool
  /// The windows after the call, as `standings`.
  public let windows: [PackedWindow]

  public init(
    decision: Decision, nowMilliseconds: Int64, caller: Caller, sessionFacts: SessionFacts?, standings: [PolicyStanding],
    retryAfterSeconds: Int?,
    allowance: Allowance?, touched: Bool, windows: [PackedWindow] = []
  ) {
    self.windows = windows
    self.decision = decision
    self.nowMilliseconds = nowMilliseconds
    self.caller = caller
    self.sessionFacts = sessionFacts
    self.standings = standings
    self.retryAfterSeconds = retryAfterSeconds
    self.allowance = allowance
    self.touched = touched
  }
}

extension HotDecision {
  /// The same with another word about its limits.
  func saying(_ decision: Decision, standings: [PolicyStanding], retryAfterSeconds: Int?) -> HotDecision {
    HotDecision(
      decision: decision, nowMilliseconds: nowMilliseconds, caller: caller, sessionFacts: sessionFacts, standings: standings,
      retryAfterSeconds: retryAfterSeconds, allowance: allowance, touched: touched, windows: windows)
  }
}
