import HTTPTypes
import StrictJSON
import GatehouseCore

struct AdminUsersQuery: Fields {
  let query = OptionalField("query", Text(0...Limits.emailTextMax), "The beginning of an id, an email or an external id.")
  let limit = PageQuery().limit
  let cursor = PageQuery().cursor
  static let declared = Declared(Self())
}

struct AdminUserFields: Fields {
  let plan = OptionalField("plan", Text(1...64), "A plan of the configuration.")
  let planEndsAt = PlanFields().planEndsAt
  let status = OptionalField("status", Choice([UserStatus.active, .suspended]))
  let reason = ReasonFields().reason
  static let declared = Declared(Self())
}

struct RevokeEveryoneFields: Fields {
  let confirm = Field("confirm", Confirmation("everyone"))
  let reason = ReasonFields().reason
  static let declared = Declared(Self())
}

struct KeyFields: Fields {
  let name = Field("name", Text(1...64))
  let scopes = Field("scopes", ChoiceList(count: 1...4, allowed: ServiceKey.Scope.allCases.map(\.rawValue)))
  let seconds = OptionalField("expires_in_seconds", Whole(1...Limits.keySecondsMax), "Never unless given.")
  static let declared = Declared(Self())
}

extension Schema {
  static let adminUser = answer(
    Property("id", .id(UserID.self), example: "usr_4tq9m2kd7xw1hb"),
    Property("external_id", .text.orNull, "The app's own id of the user.", example: .null),
    Property("email", .text, example: "mia@example.com"),
    Property("email_verified", .flag),
    Property("pending_email", .text.orNull, "The address that waits to be verified.", example: .null),
    Property("name", .text.orNull, example: "Mia Ø"),
    Property("time_zone", .text, example: "Europe/Berlin"),
    Property("plan", .text, "The plan in force.", example: "free"),
    .planEndsAt,
    Property("status", .values(["active", "suspended"]), example: "active"),
    Property("created_at", .instant, example: "2026-11-23T14:02:51.106Z"),
    Property("suspended_reason", .text.orNull, example: .null),
    Property("last_login_at", .instant.orNull, example: "2026-11-23T14:03:07.412Z"),
    Property("password_scheme", .text, "How the password is hashed.", example: "argon2id"),
    Property("sessions_live", .count, example: 1),
    Property("allowances", .list(of: .allowanceWithBonus)),
    Property("overrides", .list(of: .anyObject), example: [])
  ).named("AdminUser")

  static let serviceKey = answer(
    Property("id", .id(ServiceKeyID.self), example: "key_2w8tq5zk1mxc7d"),
    Property("name", .text, example: "backend"),
    Property("key", .text, "The key itself, in the answer to its creation alone.", isRequired: false),
    Property("scopes", .list(of: .values(ServiceKey.Scope.allCases.map(\.rawValue))), example: ["gate", "work"]),
    Property("created_at", .instant, example: "2026-11-23T14:00:00.000Z"),
    Property("expires_at", .instant.orNull, example: .null),
    Property("last_used_at", .instant.orNull, example: .null),
    Property("revoked_at", .instant.orNull, example: .null)
  ).named("ServiceKey")
}

extension Endpoint {
  static let adminUsers = Endpoint(
    .get, "/v1/admin/users", "adminUsers", .admin, "Search users", on: .operations, access: .key(.admin),
    query: AdminUsersQuery.declared.list, answers: [.ok(.page(of: .user))], problems: [.invalidFields])

  static let adminUser = Endpoint(
    .get, "/v1/admin/users/{id}", "adminUser", .admin, "A user as operators see it", on: .operations, access: .key(.admin), [.user],
    answers: [.ok(.adminUser)], problems: [.notFound])

  static let adminChangeUser = Endpoint(
    .patch, "/v1/admin/users/{id}", "adminChangeUser", .admin, "Change a user's plan or status", on: .operations, access: .key(.admin),
    [.user],
    body: .of(
      AdminUserFields.self, example: ["plan": "pro", "plan_ends_at": "2027-11-23T00:00:00.000Z", "reason": "invoice 2041"]),
    answers: [.ok(.adminUser)], problems: [.notFound])

  static let adminDeleteUser = Endpoint(
    .delete, "/v1/admin/users/{id}", "adminDeleteUser", .admin, "Delete a user", on: .operations, access: .key(.admin), [.user],
    body: .of(ReasonFields.self, example: ["reason": "asked for by mail"]), answers: [.noContent()], problems: [.notFound])

  static let revokeEveryone = Endpoint(
    .post, "/v1/admin/sessions/revoke-all", "revokeEveryone", .admin, "End everyone's sessions", on: .operations, access: .key(.admin),
    body: .of(RevokeEveryoneFields.self, example: ["confirm": "everyone", "reason": "a leaked backup"]), answers: [.ok(.ended)])

  static let createKey = Endpoint(
    .post, "/v1/admin/keys", "createKey", .admin, "Create a service key", on: .operations, access: .key(.admin),
    body: .of(KeyFields.self, example: ["name": "backend", "scopes": ["gate", "work"], "expires_in_seconds": 31_536_000]),
    answers: [.created(.serviceKey)])

  static let listKeys = Endpoint(
    .get, "/v1/admin/keys", "listKeys", .admin, "Service keys", on: .operations, access: .key(.admin),
    answers: [.ok(.page(of: .serviceKey))])

  static let revokeKey = Endpoint(
    .delete, "/v1/admin/keys/{id}", "revokeKey", .admin, "Revoke a service key", on: .operations, access: .key(.admin), [.key],
    answers: [.noContent()], problems: [.notFound])
}

extension RouteTable {
  static func admin(_ access: AdminAccess) -> [Route] {
    [
      Route(.adminUsers) { try await $0.adminUsers($1, $2, access) },
      Route(.adminUser) { try await $0.adminUser($1, $2, access) },
      Route(.adminChangeUser) { try await $0.adminChangeUser($1, $2, access) },
      Route(.adminDeleteUser) { try await $0.adminDeleteUser($1, $2, access) },
      Route(.revokeEveryone) { try await $0.revokeEveryone($1, $2, access) },
      Route(.adminClock) { try await $0.adminClock($1, $2, access) },
      Route(.acceptClock) { try await $0.acceptClock($1, $2, access) },
      Route(.forgetRedis) { try await $0.forgetRedis($1, $2, access) },
      Route(.createKey) { try await $0.createKey($1, $2, access) },
      Route(.listKeys) { try await $0.listKeys($1, $2, access) },
      Route(.revokeKey) { try await $0.revokeKey($1, $2, access) },
    ]
  }
}
