import HTTPTypes
import StrictJSON
import GatehouseCore

struct ChargeFields: Fields {
  let policy = Field("policy", Text(1...64), "A policy of the configuration, each once.")
  let cost = DefaultField(
    "cost", Whole(1...RequestBounds.amountMax), default: 1, "Units that the call costs; a refused call costs none of the user's.")
  static let declared = Declared(Self())
}

struct RequirementFields: Fields {
  let plan = OptionalField("plan", Texts(count: 1...RequestBounds.chargesMax, length: 1...64), "One of these plans; else plan_required.")
  let within = OptionalField(
    "authenticated_within_seconds", Whole(1...RequestBounds.withinSecondsMax),
    "How long ago the password was entered at most; else reauthentication_required.")
  let emailVerified = OptionalField("email_verified", Flag(), "true: a verified address; else email_unverified.")
  static let declared = Declared(Self())
}

struct HoldFields: Fields {
  let metric = Field("metric", Text(1...64), "A metric of the configuration.")
  let amount = DefaultField("amount", Whole(1...RequestBounds.amountMax), default: 1, "Units to hold.")
  let key = Field(
    "idempotency_key",
    Text(0...RequestBounds.tokenMax, schema: .text(1...IdempotencyKeyHeader.lengthMax).with("pattern", "^[!-~]+$")),
    "For \(Spelled.hours(IdempotentCall.keptMilliseconds)) the same key of the same user gives the same reservation again.")
  let lease = DefaultField.leaseSeconds
  static let declared = Declared(Self())
}

/// A question of a batch.
struct BatchQuestionFields: Fields {
  let token = Field("token", Text(1...RequestBounds.tokenMax), "The session token that the user's request brought.")
  let clientIP = OptionalField(
    "client_ip", Text(1...RequestBounds.addressMax),
    "The address of the user's client, IPv4 or IPv6; required by policies that count addresses.")
  let userAgent = OptionalField("user_agent", Text(0...RequestBounds.userAgentMax), "The User-Agent of the user's client.")
  let limits = OptionalField(
    "limits", NestedList<ChargeFields>(0...RequestBounds.chargesMax),
    "Policies that this call counts against, decided together: one unit of api unless given; none when empty.")
  let require = OptionalField("require", Nested<RequirementFields>(), "Requirements beyond a valid session.")
  let peek = DefaultField("peek", Flag(), default: false, "true: decide, and spend and hold nothing.")
  static let declared = Declared(Self())
}

/// A question alone, which may reserve.
struct QuestionFields: Fields {
  let token = BatchQuestionFields().token
  let clientIP = BatchQuestionFields().clientIP
  let userAgent = BatchQuestionFields().userAgent
  let limits = BatchQuestionFields().limits
  let require = BatchQuestionFields().require
  let peek = BatchQuestionFields().peek
  let reserve = OptionalField(
    "reserve", Nested<HoldFields>(), "Units to hold if the answer is allow, until they are committed or released.")
  static let declared = Declared(Self())
}

struct BatchFields: Fields {
  let requests = Field(
    "requests", Elements(1...RequestBounds.batchMax, each: BatchQuestionFields.declared.schema.named("BatchQuestion")),
    "Questions, each a BatchQuestion.")
  static let declared = Declared(Self())
}

struct CheckFields: Fields {
  let subject = Field(
    "subject", Text(1...RequestBounds.subjectMax), "The subject to count: any text, or an address for a policy that counts addresses.")
  let cost = DefaultField("cost", Whole(1...RequestBounds.amountMax), default: 1, "Units that the call costs.")
  let peek = DefaultField("peek", Flag(), default: false, "true: decide, and spend nothing.")
  static let declared = Declared(Self())
}

extension Schema {
  fileprivate static let checked = answer(
    Property("allowed", .flag, "Whether the policy lets the call pass.", example: true),
    Property("policy", .text, "The policy's name in the configuration.", example: "upload"),
    Property("limit", .count, "Units that one window holds.", example: 10),
    Property("window_seconds", .integer(from: 1), "The length of the window.", example: 3_600),
    Property("remaining", .count, "Units that are left now.", example: 7),
    Property("reset_seconds", .count, "Seconds until more units are left; 0 when all are.", example: 3_660),
    Property("retry_after_seconds", .count.orNull, "When to ask again after a refusal; null when allowed.", example: .null))

  fileprivate static let batchAnswer = answer(
    Property(
      "results", .list(of: .anyOf([.gateAnswer, .answer(Property("problem", .problem, "The fault of the question."))])),
      "In the order of the questions."))
}

extension Endpoint {
  static let gate = Endpoint(
    .post, "/v1/gate", "gate", .gate, "Decide about a request: who calls, whether they may call now, and whether a unit is left",
    access: .key(.gate),
    body: RequestBody(
      QuestionFields.declared.schema.named("GateQuestion"),
      examples: [
        .init(
          name: "reserve", summary: "With a unit to hold.",
          value: [
            "token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4", "client_ip": "203.0.113.7",
            "limits": [["policy": "api", "cost": 1]],
            "reserve": ["metric": "video_analysis", "amount": 1, "idempotency_key": "upload-8f31", "lease_seconds": 1_800],
          ]),
        .init(
          name: "require", summary: "With what the session must have.",
          value: [
            "token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4",
            "require": ["plan": ["pro"], "authenticated_within_seconds": 300, "email_verified": true], "peek": true,
          ]),
      ]),
    answers: [.ok(.gateAnswer, headers: ["Idempotency-Replayed"])])

  static let gateBatch = Endpoint(
    .post, "/v1/gate/batch", "gateBatch", .gate, "Up to \(Spelled.count(RequestBounds.batchMax)) decisions",
    "Each element is a question as of /v1/gate without reserve; a wrong one fails alone.", access: .key(.gate), bodyCap: .batch,
    body: .of(
      BatchFields.self, example: ["requests": [["token": "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4"]]]),
    answers: [.ok(.batchAnswer)])

  static let checkLimit = Endpoint(
    .post, "/v1/limits/{policy}/check", "checkLimit", .gate, "Count a subject under a policy", access: .key(.gate),
    [
      .path(
        "policy", "A policy of the app. Those that count logins, sign-ups and mails are Gatehouse's own: 404.", .text(1...64))
    ],
    body: .of(CheckFields.self, example: ["subject": "org:42", "cost": 3, "peek": false]), answers: [.ok(.checked)],
    problems: [.notFound, .costExceedsLimit])
}

extension RouteTable {
  static var gate: [Route] {
    [
      Route(.gate) { try await $0.decideGate($1, $2) },
      Route(.gateBatch) { try await $0.decideBatch($1, $2) },
      Route(.checkLimit) { try await $0.checkLimit($1, $2) },
      Route(.forwardAuth) { await $0.forwardAuth($1, $2) },
    ]
  }
}
