import HTTPTypes
import StrictJSON
import GatehouseCore

struct OwnAccountFields: Fields {
  let name = OptionalField.personName
  let zone = OptionalField("time_zone", Text(1...RequestBounds.zoneMax), "An IANA name.")
  let email = FieldIfPresent("email", Text(3...EmailAddress.bytesMax), "The new address; it waits until it is verified.")
  let pendingEmail = NullField("pending_email", "Drops the address that waits to be verified.")
  static let declared = Declared(Self())
}

struct PasswordChangeFields: Fields {
  let current = Field("current_password", Text(1...RequestBounds.passwordScalarsMax, allowsNUL: true), "The present password.")
  let new = Field("new_password", Text(0...RequestBounds.passwordScalarsMax, allowsNUL: true), "The new password.")
  static let declared = Declared(Self())
}

extension Schema {
  static let accountExport = answer(
    Property("user", .user, "The user's account."), Property("sessions", .list(of: .session), "The user's sessions."),
    Property("analyses", .list(of: .analysis), "The user's analyses, with results."),
    Property("usage_events", .list(of: .usageEvent), "The user's usage history."),
    Property("allowances", .list(of: .allowanceWithBonus), "Where the user stands with every metric."),
    Property("events", .list(of: .event), "The events of the account."), Property("audit", .list(of: .auditEntry), "The audit trail."),
    Property("exported_at", .instant, "When the export was begun.", example: "2026-11-23T14:05:00.000Z"))

  static let auditEntry = answer(
    Property("occurred_at", .instant, "When it happened.", example: "2026-11-23T14:02:51.106Z"),
    Property(
      "actor", .text, "The id of the user or key that did it; ops for an operator, system for the service.", example: "usr_4tq9m2kd7xw1hb"),
    Property("action", .text, "The action, for programs.", example: "user_created"),
    Property("reason", .text.orNull, "Why, where a reason was given.", example: .null),
    Property("detail", .anyObject, "More about it, by action."))
}

extension Endpoint {
  static let ownAccount = Endpoint(
    .get, "/v1/user", "ownAccount", .account, "The caller's account", access: .session,
    answers: [.ok(.user, headers: Success.limits)])

  static let changeOwnAccount = Endpoint(
    .patch, "/v1/user", "changeOwnAccount", .account, "Change the caller's account",
    """
    email waits as pending_email until it is verified, and needs \(recentPassword(API.Contract.sensitiveMilliseconds)). The answer is the \
    same when another account has the address, which then never verifies. As many new addresses as policy email_change allows: ten an hour \
    by default.
    """,
    access: .session,
    body: .of(OwnAccountFields.self, example: ["name": "Mia Ø", "time_zone": "Europe/Berlin", "email": "mia.new@example.com"]),
    answers: [.ok(.user, headers: Success.limits)], problems: [.reauthenticationRequired, .emailTaken])

  static let deleteOwnAccount = Endpoint(
    .delete, "/v1/user", "deleteOwnAccount", .account, "Delete the caller's account",
    "Needs \(recentPassword(API.Contract.sensitiveMilliseconds)).", access: .session, answers: [.noContent(headers: ["Set-Cookie"])],
    problems: [.reauthenticationRequired])

  static let changePassword = Endpoint(
    .put, "/v1/user/password", "changePassword", .account, "Change the password",
    "Ends all other sessions, and gives this one a new token.", access: .session, OnBehalf.parameters,
    body: .of(
      PasswordChangeFields.self,
      example: ["current_password": "correct horse battery staple", "new_password": "a brand new passphrase"]),
    answers: [.ok(.tokenAndSession, headers: Success.limits + ["Set-Cookie"])], problems: [.invalidLogin])

  static let exportAccount = Endpoint(
    .get, "/v1/user/export", "exportAccount", .account, "All that is kept of the user",
    "Needs \(recentPassword(API.Contract.sensitiveMilliseconds)).", access: .session,
    answers: [.ok(.accountExport, headers: Success.limits)], problems: [.reauthenticationRequired])
}

extension RouteTable {
  static var ownAccount: [Route] {
    [
      Route(.ownAccount) { try await $0.ownAccount($1, $2) },
      Route(.changeOwnAccount) { try await $0.changeOwnAccount($1, $2) },
      Route(.deleteOwnAccount) { try await $0.deleteOwnAccount($1, $2) },
      Route(.changePassword) { try await $0.changePassword($1, $2) },
      Route(.exportAccount) { try await $0.exportAccount($1, $2) },
    ]
  }
}
