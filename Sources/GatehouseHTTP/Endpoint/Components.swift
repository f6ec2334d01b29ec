import StrictJSON

/// The parts that the operations of the documents refer to by name.
enum Components {
  /// A header field of answers.
  struct Header: Sendable {
    let name: String
    let description: String
    let schema: Schema
    init(_ name: String, _ description: String, _ schema: Schema = .text) {
      (self.name, self.description, self.schema) = (name, description, schema)
    }

    var json: JSONObject {
      var json: JSONObject = ["description": .string(description), "schema": .object(schema.json)]
      if let example = schema.example { json.append("example", example) }
      return json
    }
  }

  /// A refusal, whichever its code is.
  struct Refusal: Sendable {
    let status: Int
    let description: String
    let headers: [String]
    init(_ status: Int, _ description: String, _ headers: [String]) {
      (self.status, self.description, self.headers) = (status, description, headers)
    }

    var json: JSONObject {
      [
        "description": .string(description),
        "headers": .object(JSONObject(headers.map { ($0, OpenAPI.reference("headers", $0)) })),
        "content": .object(JSONObject([(Problem.mediaType, .object(["schema": .object(Schema.problem.json)]))])),
      ]
    }
  }

  /// The longest `Gatehouse-Problem` in bytes; a longer problem is cut to its code and title.
  static let problemBytesMax = 1_024

  static let headers = [
    Header("RateLimit", #"draft-ietf-httpapi-ratelimit-headers-11, list form: "api";r=59;t=12"#),
    Header("RateLimit-Policy", #""api";q=60;w=60"#),
    Header("Retry-After", "Whole seconds.", .count),
    Header("WWW-Authenticate", "Bearer"),
    Header("Allow", "The methods of the path."),
    Header("X-Request-Id", "The request's name in logs."),
    Header("Location", "The path of what was created."),
    Header("Set-Cookie", "With transport cookie: the new token, or the end of the cookie."),
    Header("Idempotency-Replayed", "true on a replay."),
    Header("Gatehouse-User", "usr_…"),
    Header(
      "Gatehouse-External-Id",
      "The app's own id of the user, percent-encoded where it is not visible ASCII, at % and at spaces on either end: decode it.",
      .text.example("zo%C3%AB")),
    Header("Gatehouse-Plan", "The user's plan."),
    Header("Gatehouse-Session", "ses_…"),
    Header("Gatehouse-Status", "The status that the client should get: 200, 401, 403, 429 or 503."),
    Header("Gatehouse-Problem", "The problem as one line of ASCII, \(Spelled.kibibytes(problemBytesMax)) at most."),
  ]

  /// The refusals of every endpoint but those that a proxy asks.
  static let refusals = [
    Refusal(400, "The request could not be read.", ["X-Request-Id"]),
    Refusal(401, "No valid credential.", ["WWW-Authenticate", "X-Request-Id"]),
    Refusal(403, "The credential does not suffice.", ["X-Request-Id"]),
    Refusal(404, "Not found.", ["X-Request-Id"]),
    Refusal(405, "The method is not allowed here.", ["Allow", "X-Request-Id"]),
    Refusal(406, "No acceptable representation.", ["X-Request-Id"]),
    Refusal(408, "The request did not arrive in time.", ["X-Request-Id"]),
    Refusal(409, "The state does not allow it.", ["X-Request-Id"]),
    Refusal(410, "The mailed token can't be used.", ["X-Request-Id"]),
    Refusal(413, "The body is too large.", ["X-Request-Id"]),
    Refusal(414, "The URI is too long.", ["X-Request-Id"]),
    Refusal(415, "The media type is not supported.", ["X-Request-Id"]),
    Refusal(417, "The expectation can't be met.", ["X-Request-Id"]),
    Refusal(422, "Some fields are not valid.", ["X-Request-Id"]),
    Refusal(429, "A rate limit or an allowance is used up.", ["Retry-After", "X-Request-Id"]),
    Refusal(431, "The header is too large.", ["X-Request-Id"]),
    Refusal(503, "No answer can be given now; Retry-After says when.", ["Retry-After", "X-Request-Id"]),
  ]

  /// The refusals that proxies alone get.
  static let forwarded = [
    Refusal(401, "No valid credential.", ["Gatehouse-Status", "Gatehouse-Problem", "WWW-Authenticate"]),
    Refusal(403, "Refused; Gatehouse-Status says whether it is a 429.", ["Gatehouse-Status", "Gatehouse-Problem"]),
    Refusal(
      429, "A limit of the profile is used up.",
      ["Gatehouse-Status", "Gatehouse-Problem", "RateLimit", "RateLimit-Policy", "Retry-After"]),
    Refusal(503, "No decision now, or no such profile: Gatehouse-Problem says which.", ["Gatehouse-Status", "Gatehouse-Problem"]),
  ]

  static func responses(withForwarded: Bool) -> JSONObject {
    var responses = JSONObject(refusals.map { (String($0.status), .object($0.json)) })
    if withForwarded { for refusal in forwarded { responses.append("proxy-\(refusal.status)", .object(refusal.json)) } }
    return responses
  }

  static func securitySchemes(cookieName: String) -> JSONObject {
    [
      "token": ["type": "http", "scheme": "bearer", "description": "A session token gh_…"],
      "cookie": [
        "type": "apiKey", "in": "cookie", "name": .string(cookieName), "description": "A session token in the cookie of a login.",
      ],
      "key": ["type": "http", "scheme": "bearer", "description": "A service key ghk_… with the scope that the operation names."],
      "backend": [
        "type": "apiKey", "in": "header", "name": "Gatehouse-Key",
        "description": .string(
          "A service key of scope accounts, beside a session's credential: the backend calls for its user. Reads then cost the user no unit of "
            + "api, and Gatehouse-Client-IP is believed where it is taken."),
      ],
    ]
  }
}
