import HTTPTypes
import StrictJSON
import GatehouseCore

struct LogInFields: Fields {
  let email = Field("email", Text(1...RequestBounds.emailTextMax), "The user's address, in any spelling.")
  let password = Field("password", Text(0...RequestBounds.passwordScalarsMax, allowsNUL: true), "The user's password.")
  let sessionClass = DefaultField("class", Choice(SessionClass.allCases), default: .web, "How long the session lives.")
  let transport = DefaultField(
    "transport", Choice([Session.Transport.bearer, .cookie]), default: .bearer, "cookie: the answer sets the token as a cookie.")
  let device = OptionalField("device", Text(1...RequestBounds.deviceMax), "The device's name in lists.")
  static let declared = Declared(Self())
}

struct PasswordFields: Fields {
  let password = Field("password", Text(1...RequestBounds.passwordScalarsMax, allowsNUL: true), "The user's password.")
  static let declared = Declared(Self())
}

/// The parameters of a list that is given in pages.
struct PageQuery: Fields {
  let limit = DefaultField(
    "limit", Whole(PageRequest.limitRange), default: PageRequest.limitDefault, "The most items that the page may have.")
  let cursor = OptionalField("cursor", AnyText(.text(1...200)), "next_cursor of the page before; the first page unless given.")
  static let declared = Declared(Self())
}

struct EndSessionsQuery: Fields {
  let includesCurrent = OptionalField("include_current", TrueOrFalse(), "true ends this one as well.")
  static let declared = Declared(Self())
}

extension Schema {
  static let openedSession = answer(
    Property("token", .token), Property("session", .session, "The session that began."), Property("user", .user, "The session's user."),
    Property("sessions_ended", .count, "Older sessions that ended, beyond what the plan allows.", example: 0)
  ).named("OpenedSession")
  static let tokenAndSession = answer(Property("token", .token), Property("session", .session, "The session, as its new token shows it."))
    .named("TokenAndSession")
}

extension Endpoint {
  /// The words for the password that a call needs, entered so many milliseconds ago at most.
  static func recentPassword(_ milliseconds: Int64) -> String { "a password entered in the last \(Spelled.minutes(milliseconds))" }

  static let logIn = Endpoint(
    .post, "/v1/sessions", "logIn", .sessions, "Log in", access: .anyoneOr(.accounts), admission: .hashingSlot, OnBehalf.parameters,
    body: .of(
      LogInFields.self,
      example: [
        "email": "mia@example.com", "password": "correct horse battery staple", "class": "web", "transport": "bearer",
        "device": "Mia's laptop",
      ]),
    answers: [.created(.openedSession, headers: ["Set-Cookie"])], problems: [.invalidLogin, .suspended, .emailUnverified, .rateLimited])

  static let listSessions = Endpoint(
    .get, "/v1/sessions", "listSessions", .sessions, "Devices", access: .session, query: PageQuery.declared.list,
    answers: [.ok(.page(of: .session), headers: Success.limits)], problems: [.invalidFields])

  static let endSessions = Endpoint(
    .delete, "/v1/sessions", "endSessions", .sessions, "End the other sessions",
    """
    Ending the others alone needs \(recentPassword(API.Contract.othersMilliseconds)). Ending all of them (include_current) needs no recent \
    password.
    """,
    access: .session, query: EndSessionsQuery.declared.list, answers: [.ok(.ended, headers: Success.limits + ["Set-Cookie"])],
    problems: [.reauthenticationRequired, .invalidFields])

  static let endSession = Endpoint(
    .delete, "/v1/sessions/{id}", "endSession", .sessions, "End one session",
    "Ending another session than the caller's own needs \(recentPassword(API.Contract.othersMilliseconds)).", access: .session,
    [.session], answers: [.noContent(headers: Success.limits + ["Set-Cookie"])], problems: [.reauthenticationRequired, .notFound])

  static let currentSession = Endpoint(
    .get, "/v1/session", "currentSession", .sessions, "The caller's session and user", access: .session,
    answers: [
      .ok(.answer(Property("session", .session, "The caller's session."), Property("user", .user, "The caller.")), headers: Success.limits)
    ])

  static let logOut = Endpoint(
    .delete, "/v1/session", "logOut", .sessions, "Log out", "204 also when the session has ended already.", access: .session,
    answers: [.noContent(headers: ["Set-Cookie"])])

  static let rotate = Endpoint(
    .post, "/v1/session/rotate", "rotate", .sessions, "Rotate the token",
    "The answer has a successor of the token. The age of the password stays as it was.", access: .session,
    answers: [.ok(.tokenAndSession, headers: Success.limits + ["Set-Cookie"])])

  static let reauthenticate = Endpoint(
    .post, "/v1/session/reauthenticate", "reauthenticate", .sessions, "Enter the password again",
    "Gives a token that has the password's new age. The presented token stays valid as it was.", access: .session, OnBehalf.parameters,
    body: .of(PasswordFields.self, example: ["password": "correct horse battery staple"]),
    answers: [.ok(.tokenAndSession, headers: Success.limits + ["Set-Cookie"])], problems: [.invalidLogin])
}

extension RouteTable {
  static var sessions: [Route] {
    [
      Route(.logIn) { try await $0.logIn($1, $2) },
      Route(.listSessions) { try await $0.devices($1, $2) },
      Route(.endSessions) { try await $0.endDevices($1, $2) },
      Route(.endSession) { try await $0.endDevice($1, $2) },
      Route(.currentSession) { try await $0.currentSession($1, $2) },
      Route(.logOut) { try await $0.logOut($1, $2) },
      Route(.rotate) { try await $0.rotate($1, $2) },
      Route(.reauthenticate) { try await $0.reauthenticate($1, $2) },
    ]
  }
}
