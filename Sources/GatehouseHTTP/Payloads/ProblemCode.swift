/// Every way in which a request can be refused, as the `code` of its problem.
public enum ProblemCode: String, Sendable, CaseIterable {
  case malformedRequest = "malformed_request"
  case ambiguousCredentials = "ambiguous_credentials"
  case invalidCursor = "invalid_cursor"
  case idempotencyKeyMissing = "idempotency_key_missing"
  case idempotencyKeyInvalid = "idempotency_key_invalid"
  case unauthenticated
  case invalidLogin = "invalid_login"
  case invalidKey = "invalid_key"
  case suspended
  case reauthenticationRequired = "reauthentication_required"
  case emailUnverified = "email_unverified"
  case planRequired = "plan_required"
  case scopeMissing = "scope_missing"
  case csrfRejected = "csrf_rejected"
  case notFound = "not_found"
  case methodNotAllowed = "method_not_allowed"
  case notAcceptable = "not_acceptable"
  case requestTimeout = "request_timeout"
  case emailTaken = "email_taken"
  case externalIDTaken = "external_id_taken"
  case invalidTransition = "invalid_transition"
  case reservationExpired = "reservation_expired"
  case tokenSpent = "token_spent"
  case bodyTooLarge = "body_too_large"
  case uriTooLong = "uri_too_long"
  case unsupportedMediaType = "unsupported_media_type"
  case expectationFailed = "expectation_failed"
  case invalidFields = "invalid_fields"
  case costExceedsLimit = "cost_exceeds_limit"
  case idempotencyKeyReused = "idempotency_key_reused"
  case rateLimited = "rate_limited"
  case allowanceExhausted = "allowance_exhausted"
  case headersTooLarge = "headers_too_large"
  case unavailable
  case unknownProfile = "unknown_profile"
  case overloaded

  /// The HTTP status of every problem with this code.
  public var status: Int { row.status }

  /// The sentence without a full stop that stands for the code.
  public var title: String { row.title }

  /// The problem type's URI: ours, or the registered one for exceeded quotas.
  public var type: String {
    status == 429 ? "https://iana.org/assignments/http-problem-types#quota-exceeded" : "urn:gatehouse:problem:\(rawValue)"
  }

  private var row: (status: Int, title: String) {
    switch self {
    case .malformedRequest: (400, "The request could not be read")
    case .ambiguousCredentials: (400, "More than one credential was sent")
    case .invalidCursor: (400, "The cursor is not valid")
    case .idempotencyKeyMissing: (400, "An Idempotency-Key is required")
    case .idempotencyKeyInvalid: (400, "The Idempotency-Key is not valid")
    case .unauthenticated: (401, "Not logged in")
    case .invalidLogin: (401, "Wrong email or password")
    case .invalidKey: (401, "The service key is not valid")
    case .suspended: (403, "The account is suspended")
    case .reauthenticationRequired: (403, "The password must be entered again")
    case .emailUnverified: (403, "The email address is not verified")
    case .planRequired: (403, "Another plan is needed")
    case .scopeMissing: (403, "The service key lacks a scope")
    case .csrfRejected: (403, "The request is not shown to come from the app's own site")
    case .notFound: (404, "Not found")
    case .methodNotAllowed: (405, "The method is not allowed here")
    case .notAcceptable: (406, "No acceptable representation")
    case .requestTimeout: (408, "The request took too long to arrive")
    case .emailTaken: (409, "The email address is taken")
    case .externalIDTaken: (409, "The external id is taken")
    case .invalidTransition: (409, "The status can't change this way")
    case .reservationExpired: (409, "The reservation has expired")
    case .tokenSpent: (410, "The token can't be used")
    case .bodyTooLarge: (413, "The body is too large")
    case .uriTooLong: (414, "The URI is too long")
    case .unsupportedMediaType: (415, "The media type is not supported")
    case .expectationFailed: (417, "The expectation can't be met")
    case .invalidFields: (422, "Some fields are not valid")
    case .costExceedsLimit: (422, "The cost is larger than the limit")
    case .idempotencyKeyReused: (422, "The Idempotency-Key was used for another request")
    case .rateLimited: (429, "Too many requests")
    case .allowanceExhausted: (429, "Allowance used up")
    case .headersTooLarge: (431, "The header is too large")
    case .unavailable: (503, "The service is not available")
    case .unknownProfile: (503, "The proxy asks for a profile that is not configured")
    case .overloaded: (503, "The service is overloaded")
    }
  }
}
