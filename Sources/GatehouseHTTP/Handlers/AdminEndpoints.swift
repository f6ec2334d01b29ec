import HTTPTypes
import StrictJSON
import GatehouseCore

struct AdminUsersQuery: Fields {
  let query = OptionalField("query", Text(0...RequestBounds.emailTextMax), "The beginning of an id, an email or an external id.")
  let limit = PageQuery().limit
  let cursor = PageQuery().cursor
  static let declared = Declared(Self())
}

struct AdminUserFields: Fields {
  let plan = OptionalField("plan", Text(1...64), PlanFields.planMeaning)
  let planEndsAt = PlanFields().planEndsAt
  let status = OptionalField("status", Choice([UserStatus.active, .suspended]), "suspended refuses every use of the user's sessions.")
  let reason = ReasonFields().reason
  static let declared = Declared(Self())
}

struct RevokeEveryoneFields: Fields {
  let confirm = Field("confirm", Confirmation("everyone"), "The word that confirms the call.")
  let reason = ReasonFields().reason
  static let declared = Declared(Self())
}

struct KeyFields: Fields {
  let name = Field("name", Text(1...64), "A name of the key, for people.")
  let scopes = Field(
    "scopes", ChoiceList(count: 1...ServiceKey.Scope.allCases.count, allowed: ServiceKey.Scope.allCases.map(\.rawValue)),
    "The rights of the key.")
  let seconds = OptionalField(
    "expires_in_seconds", Whole(1...Int(ServiceKey.secondsMax)), "Seconds until the key ends; never unless given.")
  static let declared = Declared(Self())
}

extension Schema {
  private static let operatorMembers: [Property] = [
    Property("suspended_reason", .text.orNull, "The reason of the suspension; null without one.", example: .null),
    Property("last_login_at", .instant.orNull, "When the user last logged in; null before.", example: "2026-11-23T14:03:07.412Z"),
    Property("password_scheme", .text, "How the password is hashed.", example: "argon2id"),
    Property("sessions_live", .count, "How many sessions are open.", example: 1),
    Property("allowances", .list(of: .allowanceWithBonus), "Where the user stands with every metric."),
    Property("overrides", .list(of: .anyObject), "Always empty: users have no limits of their own yet.", example: []),
  ]

  static let adminUser = object(userMembers + operatorMembers, isClosed: false).named("AdminUser")

  static let serviceKey = answer(
    Property("id", .id(ServiceKeyID.self), "The key's id, which is no secret.", example: "key_2w8tq5zk1mxc7d"),
    Property("name", .text, "The key's name, for people.", example: "backend"),
    Property("key", .text, "The key itself, in the answer to its creation alone.", isRequired: false),
    Property(
      "scopes", .list(of: .values(ServiceKey.Scope.allCases.map(\.rawValue))), "The rights of the key.", example: ["gate", "work"]),
    Property("created_at", .instant, "When the key was made.", example: "2026-11-23T14:00:00.000Z"),
    Property("expires_at", .instant.orNull, "When the key ends; null for never.", example: .null),
    Property("last_used_at", .instant.orNull, "When the key was last used, to the minute; null before.", example: .null),
    Property("revoked_at", .instant.orNull, "When the key was revoked; null if it was not.", example: .null)
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
