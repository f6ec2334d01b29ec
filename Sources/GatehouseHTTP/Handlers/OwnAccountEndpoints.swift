import HTTPTypes
import StrictJSON
import GatehouseCore

struct OwnAccountFields: Fields {
  let name = OptionalField("name", Text(1...Limits.nameMax))
  let zone = OptionalField("time_zone", Text(1...Limits.zoneMax), "An IANA name.")
  let email = FieldIfPresent("email", Text(3...EmailAddress.bytesMax), "The new address; it waits until it is verified.")
  let pendingEmail = NullField("pending_email", "Drops the address that waits to be verified.")
  static let declared = Declared(Self())
}

struct PasswordChangeFields: Fields {
  let current = Field("current_password", Text(1...Limits.passwordScalarsMax, allowsNUL: true))
  let new = Field("new_password", Text(0...Limits.passwordScalarsMax, allowsNUL: true))
  static let declared = Declared(Self())
}

extension Schema {
  static let accountExport = answer(
    Property("user", .user), Property("sessions", .list(of: .session)), Property("analyses", .list(of: .analysis)),
    Property("usage_events", .list(of: .usageEvent)), Property("allowances", .list(of: .allowanceWithBonus)),
    Property("events", .list(of: .event)), Property("audit", .list(of: .auditEntry)),
    Property("exported_at", .instant, example: "2026-11-23T14:05:00.000Z"))

  static let auditEntry = answer(
    Property("occurred_at", .instant, example: "2026-11-23T14:02:51.106Z"),
    Property("actor", .text, example: "user:usr_4tq9m2kd7xw1hb"), Property("action", .text, example: "user.created"),
    Property("reason", .text.orNull, example: .null), Property("detail", .anyObject))
}

extension Endpoint {
  static let ownAccount = Endpoint(
    .get, "/v1/user", "ownAccount", .account, "The caller's account", access: .session,
    answers: [.ok(.user, headers: Success.limits)])

  static let changeOwnAccount = Endpoint(
    .patch, "/v1/user", "changeOwnAccount", .account, "Change the caller's account",
    """
    email waits as pending_email until it is verified; the password must have been entered in the last 5 minutes. The answer is the same \
    when another account has the address, which then never verifies. At most ten such changes an hour.
    """,
    access: .session,
    body: .of(OwnAccountFields.self, example: ["name": "Mia Ø", "time_zone": "Europe/Berlin", "email": "mia.new@example.com"]),
    answers: [.ok(.user, headers: Success.limits)], problems: [.reauthenticationRequired, .emailTaken])

  static let deleteOwnAccount = Endpoint(
    .delete, "/v1/user", "deleteOwnAccount", .account, "Delete the caller's account",
    "The password must have been entered in the last 5 minutes.", access: .session, answers: [.noContent(headers: ["Set-Cookie"])],
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
    "The password must have been entered in the last 5 minutes.", access: .session,
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
