/// The state of an account. A deleted user is gone for every caller; its rows follow in batches.
public enum UserStatus: String, Sendable, CaseIterable { case active, suspended, deleted }

/// A person's account as the ledger holds it. Instants are milliseconds since 1970 UTC.
public struct User: Sendable, Equatable {
  /// The account's id, drawn at random at the sign-up and never changed.
  public let id: UserID
  /// The app's own id of the user, of at most one account at a time; nil without one.
  public var externalID: String?
  /// The present address, as it was given.
  public var email: String
  /// Whether a token that was mailed to `email` has come back.
  public var emailVerified: Bool
  /// An address that takes the place of `email` once it is verified; nil if none waits.
  public var pendingEmail: String?
  /// A name for people, free to be anything; nil if none was given.
  public var name: String?
  /// The IANA name of the zone whose midnights begin the user's periods.
  public var timeZone: String
  /// After a change of zone: the start of the period that was open then, and the end it had. See `Period`.
  public var zoneOpenStartMilliseconds: Int64?
  /// The end that the day had which was open at the last change of zone; nil before one that moved that end.
  public var zoneFloorMilliseconds: Int64?
  /// After a change of zone: the start of the month that was open then. See `Period`.
  public var zoneMonthStartMilliseconds: Int64?
  /// The end that the month had which was open at the last change of zone; nil before one that moved that end.
  public var zoneMonthFloorMilliseconds: Int64?
  /// The plan as it is stored, which may have ended or have left the configuration; `plan(atMilliseconds:fallback:)` gives the one in
  /// force.
  public var plan: String
  /// The instant from which the default plan is in force; nil for a plan without an end.
  public var planEndsAtMilliseconds: Int64?
  /// Whether the account may be used: a suspended user's sessions are known and refused.
  public var status: UserStatus
  /// The words that the suspension was given; nil for an account that is not suspended, or without words.
  public var suspendedReason: String?
  /// The instant of the sign-up.
  public let createdAtMilliseconds: Int64
  /// The instant at which the newest session was opened by a password; nil before the first.
  public var lastLoginAtMilliseconds: Int64?
  /// Signed up where nobody is told whether an address is taken: no login before the address is verified, since it would tell.
  public var awaitsVerification: Bool

  /// An account as the ledger stores it; a new one is active, unverified, and has a plan without an end unless told otherwise.
  public init(
    id: UserID, externalID: String? = nil, email: String, emailVerified: Bool = false, pendingEmail: String? = nil, name: String? = nil,
    timeZone: String, zoneOpenStartMilliseconds: Int64? = nil, zoneFloorMilliseconds: Int64? = nil,
    zoneMonthStartMilliseconds: Int64? = nil, zoneMonthFloorMilliseconds: Int64? = nil, plan: String, planEndsAtMilliseconds: Int64? = nil,
    status: UserStatus = .active, suspendedReason: String? = nil, createdAtMilliseconds: Int64,
    lastLoginAtMilliseconds: Int64? = nil, awaitsVerification: Bool = false
  ) {
    self.id = id
    self.externalID = externalID
    self.email = email
    self.emailVerified = emailVerified
    self.pendingEmail = pendingEmail
    self.name = name
    self.timeZone = timeZone
    self.zoneOpenStartMilliseconds = zoneOpenStartMilliseconds
    self.zoneFloorMilliseconds = zoneFloorMilliseconds
    self.zoneMonthStartMilliseconds = zoneMonthStartMilliseconds
    self.zoneMonthFloorMilliseconds = zoneMonthFloorMilliseconds
    self.plan = plan
    self.planEndsAtMilliseconds = planEndsAtMilliseconds
    self.status = status
    self.suspendedReason = suspendedReason
    self.createdAtMilliseconds = createdAtMilliseconds
    self.lastLoginAtMilliseconds = lastLoginAtMilliseconds
    self.awaitsVerification = awaitsVerification
  }

  /// The plan in force: the stored one until it ends, then `fallback`.
  public func plan(atMilliseconds now: Int64, fallback: String) -> String {
    if let end = planEndsAtMilliseconds, end <= now { return fallback }
    return plan
  }
}

extension User {
  /// The period of `kind` that is open at `now`.
  public func period(_ kind: Period.Kind, atMilliseconds now: Int64) -> Period {
    let (start, floor) =
      switch kind {
      case .day: (zoneOpenStartMilliseconds, zoneFloorMilliseconds)
      case .month: (zoneMonthStartMilliseconds, zoneMonthFloorMilliseconds)
      }
    return Period.open(kind: kind, nowMilliseconds: now, zone: timeZone, openStartMilliseconds: start, floorMilliseconds: floor)
  }

  /// Takes another zone at `now`: the day and the month that are open go on, and end no sooner than they did in the zone that they
  /// began in. Further changes within them measure from that same end, or from now once it is past, so that going to and fro costs
  /// nobody more than a day. A zone whose day and month are the ones that are open, such as the same zone under another name, is no
  /// change of them.
  public mutating func move(to zone: String, atMilliseconds now: Int64) {
    func carry(_ kind: Period.Kind, _ start: Int64?, _ floor: Int64?) -> (start: Int64?, floor: Int64?) {
      let open = period(kind, atMilliseconds: now)
      let next = Period.open(kind: kind, nowMilliseconds: now, zone: zone, openStartMilliseconds: start, floorMilliseconds: floor)
      guard next != open else { return (start, floor) }
      guard let floor, open.startMilliseconds == start else { return (open.startMilliseconds, open.endMilliseconds) }
      return (open.startMilliseconds, max(floor, now))
    }
    let day = carry(.day, zoneOpenStartMilliseconds, zoneFloorMilliseconds)
    let month = carry(.month, zoneMonthStartMilliseconds, zoneMonthFloorMilliseconds)
    (zoneOpenStartMilliseconds, zoneFloorMilliseconds) = day
    (zoneMonthStartMilliseconds, zoneMonthFloorMilliseconds) = month
    timeZone = zone
  }
}

/// A change of an account; nil leaves a field as it is.
public struct UserChanges: Sendable, Equatable {
  /// A value to set, where nil is itself a value.
  public enum Setting<Value: Sendable & Equatable>: Sendable, Equatable {
    /// The value stays as it is.
    case keep
    /// The value becomes this one; nil removes it.
    case set(Value?)
  }

  /// The name for people; nil removes it.
  public var name: Setting<String> = .keep
  /// The app's own id; nil removes it, and one that another account has is refused with `externalIDTaken`.
  public var externalID: Setting<String> = .keep
  /// An address to verify before it takes the present one's place; nil drops it, and so does the present one.
  public var pendingEmail: Setting<EmailAddress> = .keep
  /// The IANA name of another zone, which must be valid; the open periods go on, see `User.move`.
  public var timeZone: String?
  /// Another plan; the end of the old one goes with it unless `planEndsAtMilliseconds` is set too.
  public var plan: String?
  /// The instant from which the default plan is in force; nil for a plan without an end.
  public var planEndsAtMilliseconds: Setting<Int64> = .keep
  /// Another status, `active` or `suspended`; an account is deleted by `Accounts.delete` alone.
  public var status: UserStatus?
  /// The words for the audit trail and, with a suspension, for the account; nil for none.
  public var reason: String?
  /// A change that keeps everything as it is.
  public init() {}
}

/// Ids of users: an account.
public enum UserKind: IdentifierKind {
  /// The beginning of every user's id.
  public static let prefix = "usr_"
}

/// The id of a user.
public typealias UserID = Identifier<UserKind>

extension UserID {
  /// The user's routing id: what tokens carry and Redis keys are built from (`gh:{4tq9m2kd7xw1hb}`).
  public var routingID: String { body }

  /// The user whose routing id a token carries; nil if it has no user's shape.
  public init?(routingID: String) { self.init(UserKind.prefix + routingID) }
}

extension ServiceError {
  /// The refusal of a call on a user who is not there.
  public static func noUser(_ id: UserID) -> ServiceError { ServiceError(.notFound, "There is no user \(id).") }

  /// The sentence for a user whose account is suspended.
  public static let suspendedDetail = "This account is suspended."
}

extension AuditActor {
  /// The user, by one of their sessions.
  public static func user(_ id: UserID) -> AuditActor { AuditActor(id.text) }
}
