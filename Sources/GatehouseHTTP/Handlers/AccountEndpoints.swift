import HTTPTypes
import StrictJSON
import GatehouseCore

extension OptionalField where Kind == Text {
  /// The app's own id of a user.
  /// - Parameter note: a sentence on what is particular to the call.
  static func externalID(_ note: String? = nil) -> OptionalField {
    OptionalField(
      "external_id", Text(1...RequestBounds.externalIDMax),
      ["\(Property.externalIDMeaning).", note].compactMap(\.self).joined(separator: " "))
  }

  /// A name for people.
  static var personName: OptionalField { OptionalField("name", Text(1...RequestBounds.nameMax), "The user's name, for people.") }

  /// A reason that may be given.
  static var reason: OptionalField { OptionalField("reason", Text(1...RequestBounds.reasonMax), ReasonFields.meaning) }
}

struct SignUpFields: Fields {
  let email = Field("email", Text(3...EmailAddress.bytesMax), "The user's address.")
  let password = Field("password", Text(0...RequestBounds.passwordScalarsMax, allowsNUL: true), "The password that the user chose.")
  let name = OptionalField.personName
  let zone = OptionalField("time_zone", Text(1...RequestBounds.zoneMax), "An IANA name; UTC unless given.")
  let externalID = OptionalField.externalID("With a service key only.")
  static let declared = Declared(Self())
}

struct FindUserQuery: Fields {
  let email = OptionalField("email", AnyText(.text.example("mia@example.com")), "One of email and external_id.")
  let externalID = OptionalField.externalID()
  static let declared = Declared(Self())
}

struct ChangeUserFields: Fields {
  let externalID = OptionalField.externalID("null removes it.")
  static let declared = Declared(Self())
}

struct PlanFields: Fields {
  static let planMeaning = "A plan of the configuration."

  let plan = Field("plan", Text(1...64), PlanFields.planMeaning)
  let planEndsAt = OptionalField("plan_ends_at", Text(1...40, schema: .instant), Property.planEndMeaning)
  let reason = OptionalField.reason
  static let declared = Declared(Self())
}

extension Endpoint {
  static let signUp = Endpoint(
    .post, "/v1/users", "signUp", .accounts, "Sign up",
    """
    With a service key of scope accounts the backend signs up on behalf of a client, and may set external_id. Without one, where \
    signup.enumeration is hide, every address is answered with 202: the events feed says which mail to send, and the new account logs in \
    once its address is verified.
    """,
    access: .anyoneOr(.accounts), admission: .hashingSlot, OnBehalf.parameters,
    body: .of(
      SignUpFields.self,
      example: [
        "email": "mia@example.com", "password": "correct horse battery staple", "name": "Mia Ø", "time_zone": "Europe/Berlin",
      ]),
    answers: [
      .accepted(
        .answer(Property("email", .text, "The address that was asked for.", example: "mia@example.com")),
        "With signup.enumeration hide: the user learns the rest by mail."),
      .created(
        .user, headers: ["Location"],
        links: [
          .init("read", "getUser", id: "/id"), .init("change", "changeUser", id: "/id"), .init("plan", "changePlan", id: "/id"),
        ]),
    ], problems: [.emailTaken, .externalIDTaken, .rateLimited])

  static let findUser = Endpoint(
    .get, "/v1/users", "findUser", .accounts, "Find a user by email or external id", access: .key(.accounts),
    query: FindUserQuery.declared.list, answers: [.ok(.page(of: .user))], problems: [.invalidFields])

  static let getUser = Endpoint(
    .get, "/v1/users/{id}", "getUser", .accounts, "A user", access: .key(.accounts), [.user], answers: [.ok(.user)],
    problems: [.notFound])

  static let changeUser = Endpoint(
    .patch, "/v1/users/{id}", "changeUser", .accounts, "Change a user's external id", access: .key(.accounts), [.user],
    body: .of(ChangeUserFields.self, example: ["external_id": "1042"]), answers: [.ok(.user)],
    problems: [.notFound, .externalIDTaken])

  static let changePlan = Endpoint(
    .put, "/v1/users/{id}/plan", "changePlan", .accounts, "Change a user's plan", access: .key(.accounts), [.user],
    body: .of(
      PlanFields.self, example: ["plan": "pro", "plan_ends_at": "2027-11-23T00:00:00.000Z", "reason": "invoice 2041"]),
    answers: [.ok(.user)], problems: [.notFound])
}

extension RouteTable {
  static var accounts: [Route] {
    [
      Route(.signUp) { try await $0.signUp($1, $2) },
      Route(.findUser) { try await $0.findUser($1, $2) },
      Route(.getUser) { try await $0.user($1, $2) },
      Route(.changeUser) { try await $0.changeUser($1, $2) },
      Route(.changePlan) { try await $0.changePlan($1, $2) },
    ]
  }
}
