/// Why a call into the domain gave no result. Each code is a problem code of the HTTP contract.
public struct ServiceError: Error, Sendable, Equatable {
  /// The exhaustive list of refusals and failures.
  public enum Code: String, Sendable, CaseIterable {
    case unauthenticated
    case invalidLogin = "invalid_login"
    case invalidKey = "invalid_key"
    case suspended
    case reauthenticationRequired = "reauthentication_required"
    case emailUnverified = "email_unverified"
    case planRequired = "plan_required"
    case scopeMissing = "scope_missing"
    case notFound = "not_found"
    case emailTaken = "email_taken"
    case externalIDTaken = "external_id_taken"
    case invalidTransition = "invalid_transition"
    case reservationExpired = "reservation_expired"
    case tokenSpent = "token_spent"
    case invalidFields = "invalid_fields"
    case invalidCursor = "invalid_cursor"
    case costExceedsLimit = "cost_exceeds_limit"
    case idempotencyKeyReused = "idempotency_key_reused"
    case rateLimited = "rate_limited"
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
  /// Several wrong fields.
  init(fields: [Field]) {
    let names = fields.map(\.field).joined(separator: ", ")
    self.init(.invalidFields, "\(fields.count) field\(fields.count == 1 ? " needs" : "s need") attention: \(names).", fields: fields)
  }
}
