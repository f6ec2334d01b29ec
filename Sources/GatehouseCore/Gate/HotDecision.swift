/// The decision of the gate; the first that applies, in this order.
public enum Decision: String, Sendable, CaseIterable {
  /// The token opens no session.
  case unauthenticated
  /// The account is suspended.
  case suspended
  /// The password was entered too long ago.
  case reauthenticationRequired = "reauthentication_required"
  /// The user's address is not verified.
  case emailUnverified = "email_unverified"
  /// The user's plan is none of those asked for.
  case planRequired = "plan_required"
  /// The call costs more than a policy ever allows.
  case costExceedsLimit = "cost_exceeds_limit"
  /// A policy's window is full.
  case rateLimited = "rate_limited"
  /// No unit of the metric is left.
  case allowanceExhausted = "allowance_exhausted"
  /// The call may go on; units that were asked for are held.
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
  /// The user is warm: this is the decision.
  case decided(HotDecision)
}

/// A decision with the state it was made on.
public struct HotDecision: Sendable {
  /// The calling user, as the hot state knows them.
  public struct Caller: Sendable, Equatable {
    /// The id of the user that the question was about.
    public let id: UserID
    /// The app's own id of the user; nil without one.
    public let externalID: String?
    /// The plan in force: the default one where the stored plan has ended or is not configured.
    public let plan: String
    /// Whether the account is active or suspended.
    public let status: UserStatus
    /// Whether the present address is verified.
    public let emailVerified: Bool
    /// A caller; `plan` must be the plan in force and not the stored one.
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
    /// The session's id, which names it in lists and grants nothing.
    public let id: SessionID
    /// The class of the session, which decides its timeouts.
    public let sessionClass: SessionClass
    /// The instant of the login, in milliseconds since 1970 UTC.
    public let createdAtMilliseconds: Int64
    /// The instant at which the password was given for this token.
    public let authenticatedAtMilliseconds: Int64
    /// The last use of the session that was noted, which may be older than its true last use; see `SessionTimeouts.touchMilliseconds`.
    public let seenAtMilliseconds: Int64
    /// The absolute end, which no use moves.
    public let expiresAtMilliseconds: Int64
    /// The facts as seen through the token that was presented; instants are milliseconds since 1970 UTC.
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

  /// Whether the call may go on, else the first reason against it.
  public let decision: Decision
  /// The instant of the decision by the clock of the store that decided, in milliseconds since 1970 UTC.
  public let nowMilliseconds: Int64
  /// The user whose state decided.
  public let caller: Caller
  /// The session that the token opened; nil for a question without a token.
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

  /// A decision; `windows` are needed only where the counts of this process are to follow Redis's.
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
  /// This decision with another word about its limits: what it says, their standings, and when to try again.
  func saying(_ decision: Decision, standings: [PolicyStanding], retryAfterSeconds: Int?) -> HotDecision {
    HotDecision(
      decision: decision, nowMilliseconds: nowMilliseconds, caller: caller, sessionFacts: sessionFacts, standings: standings,
      retryAfterSeconds: retryAfterSeconds, allowance: allowance, touched: touched, windows: windows)
  }
}
