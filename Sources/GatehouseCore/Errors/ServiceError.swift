/// Why a call into the domain gave no result. Each code is a problem code of the HTTP contract.
public struct ServiceError: Error, Sendable, Equatable {
  /// The exhaustive list of refusals and failures.
  public enum Code: String, Sendable, CaseIterable {
    /// The session's token is unknown, has ended or was revoked.
    case unauthenticated
    /// Email and password do not belong together; which of them is wrong is not said.
    case invalidLogin = "invalid_login"
    /// The service key is unknown, has ended or was revoked.
    case invalidKey = "invalid_key"
    /// The account is suspended.
    case suspended
    /// The password was entered too long ago for this.
    case reauthenticationRequired = "reauthentication_required"
    /// This needs a verified address.
    case emailUnverified = "email_unverified"
    /// The user's plan is none of those that this needs.
    case planRequired = "plan_required"
    /// The service key lacks the right for this.
    case scopeMissing = "scope_missing"
    /// There is no such thing, or it belongs to somebody else.
    case notFound = "not_found"
    /// Another account has the address.
    case emailTaken = "email_taken"
    /// Another account has the app's id.
    case externalIDTaken = "external_id_taken"
    /// The reservation or analysis can't take this status from its present one.
    case invalidTransition = "invalid_transition"
    /// The lease ran out, and the units were returned.
    case reservationExpired = "reservation_expired"
    /// The mailed token was used, has ended, or was made for another address.
    case tokenSpent = "token_spent"
    /// Some fields are readable but wrong; `fields` lists them.
    case invalidFields = "invalid_fields"
    /// The cursor belongs to another list, or to none.
    case invalidCursor = "invalid_cursor"
    /// The call costs more than the policy ever allows: a retry is refused as well.
    case costExceedsLimit = "cost_exceeds_limit"
    /// The `Idempotency-Key` belongs to another request.
    case idempotencyKeyReused = "idempotency_key_reused"
    /// A policy's window is full.
    case rateLimited = "rate_limited"
    /// The plan's units of the period are used or held.
    case allowanceExhausted = "allowance_exhausted"
    /// A store could not answer; nothing is known to have happened.
    case unavailable
    /// A bounded queue is full; nothing happened.
    case overloaded
    /// The write was sent and its outcome is not known; a retry with the same `Idempotency-Key` is safe.
    case outcomeUnknown = "outcome_unknown"
  }

  /// A field of the request that is readable but wrong.
  public struct Field: Sendable, Equatable {
    /// The wrong field's name, as the request spells it.
    public let field: String
    /// A word for programs, such as `unknown_time_zone`; it does not change with the message.
    public let code: String
    /// One sentence for people: the field's fault or the remedy, free of secrets.
    public let message: String
    /// A fault of one field; `message` must be fit to be shown to the caller.
    public init(_ field: String, code: String, message: String) {
      self.field = field
      self.code = code
      self.message = message
    }
  }

  /// The kind of refusal or failure, by which callers decide.
  public let code: Code
  /// One or two sentences for the caller: what, where, what to do. Free of secrets.
  public let detail: String
  /// The wrong fields, for `invalidFields`.
  public let fields: [Field]
  /// Whole seconds after which a retry can pass, where that is known.
  public let retryAfterSeconds: Int?
  /// The user's standing, for `allowanceExhausted`.
  public let allowance: Allowance?
  /// Policies or metrics that refused, for 429s.
  public let violated: [String]
  /// The limits as they were evaluated, for `rateLimited`.
  public let standings: [PolicyStanding]

  /// A refusal or failure; `detail` is shown to the caller, so it must hold no secret.
  public init(
    _ code: Code, _ detail: String, fields: [Field] = [], retryAfterSeconds: Int? = nil, allowance: Allowance? = nil,
    violated: [String] = [], standings: [PolicyStanding] = []
  ) {
    self.code = code
    self.detail = detail
    self.fields = fields
    self.retryAfterSeconds = retryAfterSeconds
    self.allowance = allowance
    self.violated = violated
    self.standings = standings
  }

  /// Whether an error is a failure of the service, answered 503: nobody has decided about what was asked.
  static func isFailure(_ error: any Error) -> Bool {
    guard let error = error as? ServiceError else { return true }
    return error.code == .unavailable || error.code == .overloaded || error.code == .outcomeUnknown
  }

  /// The sentence for a session token that opens nothing.
  public static let sessionTokenDetail = "The session token is not valid: it is unknown, has expired or was ended. Log in again."

  /// The sentence for a service key that opens nothing.
  public static let serviceKeyDetail = "The service key is unknown, expired or revoked. Create one with: gatehouse key create."

  /// One wrong field.
  public static func field(_ field: String, _ code: String, _ message: String) -> ServiceError {
    ServiceError(.invalidFields, "1 field needs attention: \(field).", fields: [Field(field, code: code, message: message)])
  }
}

extension ServiceError {
  /// The refusal of `amount` units, for which an allowance has no room, to a user whose plan in force is `plan`.
  public static func exhausted(_ allowance: Allowance, of amount: Int64, plan: String, now: Int64) -> ServiceError {
    ServiceError(
      .allowanceExhausted, allowance.exhaustedDetail(of: amount, plan: plan),
      retryAfterSeconds: allowance.secondsToRetry(amount, now: now), allowance: allowance, violated: [allowance.metric])
  }

  /// Several wrong fields.
  init(fields: [Field]) {
    let names = fields.map(\.field).joined(separator: ", ")
    self.init(.invalidFields, "\(fields.count) field\(fields.count == 1 ? " needs" : "s need") attention: \(names).", fields: fields)
  }
}
