import Testing

/// Every route of the contract that is served, and who may call it: written out here, not taken from the sources.
struct CataloguedRoute: Sendable, CustomTestStringConvertible {
  enum Listener: Sendable { case `public`, ops, both }

  /// The credential that opens a route.
  enum Opens: Sendable, Equatable {
    case anybody
    case session
    case key(String)
    /// A session, or a key of this scope.
    case sessionOr(String)
    /// Nothing is needed; a key of this scope makes the call one on behalf.
    case anybodyOr(String)
  }

  let method: String
  let path: String
  let opens: Opens
  var listener = Listener.public
  /// A body that can be read and has no wrong field, though it names what does not exist.
  var body: String?
  var query = ""
  var takesIdempotencyKey = false

  var testDescription: String { "\(method) \(path)" }

  init(
    _ method: String, _ path: String, _ opens: Opens, on listener: Listener = .public, body: String? = nil, query: String = "",
    takesIdempotencyKey: Bool = false
  ) {
    self.method = method
    self.path = path
    self.opens = opens
    self.listener = listener
    self.body = body
    self.query = query
    self.takesIdempotencyKey = takesIdempotencyKey
  }

  private static let nobody = #""user_id":"usr_00000000000000""#

  static let all: [CataloguedRoute] = [
    .init("GET", "/livez", .anybody, on: .both),
    .init("GET", "/readyz", .anybody, on: .both),
    .init("GET", "/openapi.json", .anybody, on: .both),
    .init("POST", "/v1/users", .anybodyOr("accounts"), body: #"{"email":"taken@example.com","password":"a quiet canary sings at dawn"}"#),
    .init("GET", "/v1/users", .key("accounts"), query: "?email=nobody@example.com"),
    .init("GET", "/v1/users/{id}", .key("accounts")),
    .init("PATCH", "/v1/users/{id}", .key("accounts"), body: "{}"),
    .init("DELETE", "/v1/users/{id}", .key("accounts")),
    .init("GET", "/v1/users/{id}/sessions", .key("accounts")),
    .init("DELETE", "/v1/users/{id}/sessions", .key("accounts")),
    .init("DELETE", "/v1/users/{id}/sessions/{sid}", .key("accounts")),
    .init("GET", "/v1/users/{id}/usage", .key("accounts")),
    .init("POST", "/v1/users/{id}/suspension", .key("accounts"), body: #"{"reason":"test"}"#),
    .init("DELETE", "/v1/users/{id}/suspension", .key("accounts")),
    .init("PUT", "/v1/users/{id}/plan", .key("accounts"), body: #"{"plan":"pro"}"#),
    .init("POST", "/v1/sessions", .anybodyOr("accounts"), body: #"{"email":"nobody@example.com","password":"x"}"#),
    .init("GET", "/v1/sessions", .session),
    .init("DELETE", "/v1/sessions", .session),
    .init("DELETE", "/v1/sessions/{id}", .session),
    .init("GET", "/v1/session", .session),
    .init("DELETE", "/v1/session", .session),
    .init("POST", "/v1/session/rotate", .session),
    .init("POST", "/v1/session/reauthenticate", .session, body: #"{"password":"not this one"}"#),
    .init("GET", "/v1/user", .session),
    .init("PATCH", "/v1/user", .session, body: "{}"),
    .init("DELETE", "/v1/user", .session),
    .init("PUT", "/v1/user/password", .session, body: #"{"current_password":"wrong","new_password":"a brand new passphrase"}"#),
    .init("GET", "/v1/user/export", .session),
    .init("POST", "/v1/email-verifications", .key("accounts"), body: "{\(nobody)}"),
    .init("POST", "/v1/email-verifications/complete", .anybodyOr("accounts"), body: #"{"token":"ghm_x"}"#),
    .init("POST", "/v1/password-resets", .key("accounts"), body: #"{"email":"nobody@example.com"}"#),
    .init("POST", "/v1/password-resets/complete", .anybodyOr("accounts"), body: #"{"token":"ghm_x","password":"x"}"#),
    .init("GET", "/v1/events", .key("accounts")),
    .init("POST", "/v1/analyses", .sessionOr("work"), body: "{}", takesIdempotencyKey: true),
    .init("GET", "/v1/analyses", .sessionOr("work")),
    .init("GET", "/v1/analyses/{id}", .sessionOr("work")),
    .init("PATCH", "/v1/analyses/{id}", .key("work"), body: #"{"status":"running"}"#),
    .init("DELETE", "/v1/analyses/{id}", .sessionOr("work")),
    .init("GET", "/v1/usage", .session),
    .init("GET", "/v1/usage/history", .session, query: "?from=2026-01-01&to=2026-01-02"),
    .init("GET", "/v1/usage/events", .session),
    .init("POST", "/v1/usage/events", .key("work"), body: #"{"events":[{\#(nobody),"action":"a"}]}"#, takesIdempotencyKey: true),
    .init("POST", "/v1/reservations", .key("work"), body: #"{\#(nobody),"metric":"video_analysis"}"#, takesIdempotencyKey: true),
    .init("POST", "/v1/reservations/{id}/commit", .key("work")),
    .init("POST", "/v1/reservations/{id}/release", .key("work")),
    .init("POST", "/v1/reservations/{id}/extend", .key("work"), body: #"{"lease_seconds":60}"#),
    .init("POST", "/v1/gate", .key("gate"), body: #"{"token":"gh_1forged"}"#),
    .init("POST", "/v1/gate/batch", .key("gate"), body: #"{"requests":[{"token":"gh_1forged"}]}"#),
    .init("POST", "/v1/limits/{policy}/check", .key("gate"), body: #"{"subject":"x"}"#),
    .init("GET", "/v1/admin/users", .key("admin"), on: .ops),
    .init("GET", "/v1/admin/users/{id}", .key("admin"), on: .ops),
    .init("PATCH", "/v1/admin/users/{id}", .key("admin"), on: .ops, body: #"{"plan":"pro","reason":"test"}"#),
    .init("DELETE", "/v1/admin/users/{id}", .key("admin"), on: .ops, body: #"{"reason":"test"}"#),
    .init("POST", "/v1/admin/sessions/revoke-all", .key("admin"), on: .ops, body: #"{"confirm":"no","reason":"test"}"#),
    .init("GET", "/v1/admin/clock", .key("admin"), on: .ops),
    .init("POST", "/v1/admin/redis/forget", .key("admin"), on: .ops, body: #"{"reason":""}"#),
    .init("POST", "/v1/admin/clock/accept", .key("admin"), on: .ops, body: #"{"source":"sundial","reason":"test"}"#),
    .init("POST", "/v1/admin/keys", .key("admin"), on: .ops, body: #"{"name":"x","scopes":["nothing"]}"#),
    .init("GET", "/v1/admin/keys", .key("admin"), on: .ops),
    .init("DELETE", "/v1/admin/keys/{id}", .key("admin"), on: .ops),
  ]

  /// The path with an id of the right shape that names nothing, or a policy that exists.
  var address: String {
    let prefixes = [
      ("/v1/users", "usr_"), ("/v1/admin/users", "usr_"), ("/v1/sessions", "ses_"), ("/v1/analyses", "ana_"),
      ("/v1/reservations", "rsv_"), ("/v1/admin/keys", "key_"),
    ]
    let prefix = prefixes.first { path.hasPrefix($0.0 + "/{id}") }?.1 ?? ""
    return path.replacing("{id}", with: prefix + "00000000000000").replacing("{policy}", with: "upload")
      .replacing("{sid}", with: "ses_00000000000000")
  }
}
