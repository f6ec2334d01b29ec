import GatehouseCrypto

// What the domain asks of its hot state. One Redis clock decides; every instant in a reply is Redis TIME in milliseconds.

/// One question to a user's hot state: all of it is decided together, all or nothing.
public struct HotQuery: Sendable {
  /// A policy that is keyed by the user, with the units this call costs.
  public struct Charge: Sendable {
    public let policy: Policy
    public let cost: Int64
    /// Units that count beside those that Redis knows.
    public let besides: Int64
    public init(policy: Policy, cost: Int64, besides: Int64 = 0) {
      self.policy = policy
      self.cost = cost
      self.besides = besides
    }
  }

  /// Units to hold under `holdID` until the ledger has decided.
  public struct Hold: Sendable {
    public let holdID: String
    public let metric: String
    public let amount: Int64
    /// How long the ledger will hold the units: Redis holds them no longer.
    public let leaseMilliseconds: Int64
    public init(holdID: String, metric: String, amount: Int64, leaseMilliseconds: Int64) {
      self.holdID = holdID
      self.metric = metric
      self.amount = amount
      self.leaseMilliseconds = leaseMilliseconds
    }
  }

  public let userID: UserID
  /// nil: a work call, no session is checked.
  public let tokenHash: Digest256?
  public let charges: [Charge]
  public let requirements: Requirements
  public let hold: Hold?
  /// Writes nothing.
  public let peek: Bool
  /// When `besides` was counted, by the clock of this process's own windows.
  public let askedMilliseconds: Int64

  public init(
    userID: UserID, tokenHash: Digest256?, charges: [Charge], requirements: Requirements, hold: Hold?, peek: Bool,
    askedMilliseconds: Int64 = 0
  ) {
    self.askedMilliseconds = askedMilliseconds
    self.userID = userID
    self.tokenHash = tokenHash
    self.charges = charges
    self.requirements = requirements
    self.hold = hold
    self.peek = peek
  }
}

extension HotQuery {
  /// The same question, counted at an instant.
  func asked(at instant: Int64, charges: [Charge]? = nil) -> HotQuery {
    HotQuery(
      userID: userID, tokenHash: tokenHash, charges: charges ?? self.charges, requirements: requirements, hold: hold, peek: peek,
      askedMilliseconds: instant)
  }
}

/// What a call needs beyond a valid session.
public struct Requirements: Sendable, Equatable {
  public var authenticatedWithinMilliseconds: Int64?
  /// The plans that may call; nil is all.
  public var plans: [String]?
  public var emailVerified: Bool
  public init(authenticatedWithinMilliseconds: Int64? = nil, plans: [String]? = nil, emailVerified: Bool = false) {
    self.authenticatedWithinMilliseconds = authenticatedWithinMilliseconds
    self.plans = plans
    self.emailVerified = emailVerified
  }
}

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

/// What the hot state answered.
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
  /// Who is calling, as the hot state knows them.
  public struct Caller: Sendable, Equatable {
    public let id: UserID
    public let externalID: String?
    public let plan: String
    public let status: User.Status
    public let emailVerified: Bool
    public init(id: UserID, externalID: String?, plan: String, status: User.Status, emailVerified: Bool) {
      self.id = id
      self.externalID = externalID
      self.plan = plan
      self.status = status
      self.emailVerified = emailVerified
    }
  }

  /// The session that the token opened.
  public struct Visit: Sendable, Equatable {
    public let id: SessionID
    public let sessionClass: Session.Class
    public let createdAtMilliseconds: Int64
    public let authenticatedAtMilliseconds: Int64
    public let seenAtMilliseconds: Int64
    public let expiresAtMilliseconds: Int64
    public init(
      id: SessionID, sessionClass: Session.Class, createdAtMilliseconds: Int64, authenticatedAtMilliseconds: Int64,
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
  public let visit: Visit?
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
    decision: Decision, nowMilliseconds: Int64, caller: Caller, visit: Visit?, standings: [PolicyStanding], retryAfterSeconds: Int?,
    allowance: Allowance?, touched: Bool, windows: [PackedWindow] = []
  ) {
    self.windows = windows
    self.decision = decision
    self.nowMilliseconds = nowMilliseconds
    self.caller = caller
    self.visit = visit
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
      decision: decision, nowMilliseconds: nowMilliseconds, caller: caller, visit: visit, standings: standings,
      retryAfterSeconds: retryAfterSeconds, allowance: allowance, touched: touched, windows: windows)
  }
}

/// Redis gave no answer that can be used; the ledger serves instead.
public struct HotFailure: Error, Sendable, Equatable {
  /// A word for the log: `timeout`, `not_connected`, `loading`, ...
  public let reason: String
  public init(reason: String) { self.reason = reason }
}

/// A policy of an address or another subject, and what this call costs.
public struct SubjectCharge: Sendable {
  public let subject: Subject
  public let policy: Policy
  public let cost: Int64
  public init(subject: Subject, policy: Policy, cost: Int64) {
    self.subject = subject
    self.policy = policy
    self.cost = cost
  }
}

/// Whom a policy counts when it is not a user. The app's subjects and the service's own never share a window, however they are named.
public enum Subject: Sendable, Hashable {
  /// An IPv4 address or an IPv6 /64, under a policy of the app.
  case network(String)
  /// A keyed digest of any text that the backend gave.
  case keyed(String)
  /// An IPv4 address or an IPv6 /64, under a policy of the service.
  case ownNetwork(String)
  /// A keyed digest of an account, alone or with a network.
  case own(String)
}

extension Subject {
  /// The network of a client that a proxy named in a form that can't be read. Nothing is counted by it: it would be everybody's.
  public static let unknownNetwork = "unknown"
}

/// One subject policy as it was decided. `allowed` is this policy's word alone: nothing was charged unless all of the subject's agree.
public struct SubjectVerdict: Sendable, Equatable {
  public let standing: PolicyStanding
  public let allowed: Bool
  public let retryAfterSeconds: Int?
  public init(standing: PolicyStanding, allowed: Bool, retryAfterSeconds: Int?) {
    self.standing = standing
    self.allowed = allowed
    self.retryAfterSeconds = retryAfterSeconds
  }
}

/// What Redis said of one subject's policies.
public struct HotCheck: Sendable, Equatable {
  /// In the order of the charges, like `windows`.
  public let verdicts: [SubjectVerdict]
  /// The windows after the call.
  public let windows: [PackedWindow]
  /// Redis TIME.
  public let nowMilliseconds: Int64
  public init(verdicts: [SubjectVerdict], windows: [PackedWindow], nowMilliseconds: Int64) {
    self.verdicts = verdicts
    self.windows = windows
    self.nowMilliseconds = nowMilliseconds
  }
}

/// The fast copy of the users' state. No method throws: a failure is a value, and the ledger serves instead.
public protocol HotStore: Sendable {
  /// Whether a command sent now would reach Redis.
  var isUsable: Bool { get }
  /// Whether Redis evicts keys when its memory is full, and so may forget what it counts; nil when it does not say.
  func mayForget() async -> Bool?
  /// Where it is, for people.
  var address: String { get }
  /// The timelines of the connections that there are, one for each.
  func timelines() async -> [String]
  /// Makes the connections anew that are on another timeline than the term's.
  func leaveStrays(of term: HotTerm)
  /// One command in one flush; `reply` is called exactly once, on an event loop: don't block it. A connection that is not on the
  /// term's timeline gives a failure.
  func gate(_ query: HotQuery, under term: HotTerm, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void)
  /// Writes the snapshot if the ticket and the epoch still stand, and asks again: two commands, one flush.
  func install(
    _ snapshot: HotSnapshot, ticket: String, under term: HotTerm, then query: HotQuery
  ) async -> Result<HotReply, HotFailure>
  /// Gives a hold and its costs back if the hold is still there, then drops the user's hot state if told to. Sent without waiting.
  func settle(_ userID: UserID, holdID: String, thenDrop: Bool)
  /// The ledger has the units of a hold: takes the hold's mark away, so that no late `settle` can give them back. Where the mark is
  /// gone the hash was made anew and may lack the units: it is dropped. Sent without waiting.
  func keep(_ userID: UserID, holdID: String)
  /// Deletes the hot state of users, counts that, and looks whether Redis's data has gone on since the drops before: in one step.
  func drop(_ routingIDs: [String], _ mark: HotMark) async -> HotDrop
  /// Drops the rate windows of a user who is gone, without waiting. What is missed ends with its window.
  func forget(_ user: UserID)
  /// Counts an attempt of one subject under several policies, together: all are charged, or none. One command.
  func check(
    _ subject: Subject, _ charges: [HotQuery.Charge], peek: Bool, under term: HotTerm
  ) async -> Result<HotCheck, HotFailure>
  /// Redis TIME in milliseconds, nil without an answer.
  func time() async -> Int64?
  /// Part of the epoch from now on.
  func setEra(_ era: Int64)
}

extension HotStore {
  /// `gate`, awaited.
  public func gate(_ query: HotQuery, under term: HotTerm) async -> Result<HotReply, HotFailure> {
    await withCheckedContinuation { continuation in gate(query, under: term) { continuation.resume(returning: $0) } }
  }
}
