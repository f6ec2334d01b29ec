import GatehouseCore
import StrictJSON

extension JSONWriter {
  mutating func user(_ user: User, plan: String) {
    object { writer in
      writer.string("id", user.id.text)
      writer.string("external_id", user.externalID)
      writer.string("email", user.email)
      writer.bool("email_verified", user.emailVerified)
      writer.string("pending_email", user.pendingEmail)
      writer.string("name", user.name)
      writer.string("time_zone", user.timeZone)
      writer.string("plan", plan)
      writer.instant("plan_ends_at", user.planEndsAtMilliseconds)
      writer.string("status", user.status.rawValue)
      writer.instant("created_at", user.createdAtMilliseconds)
    }
  }

  mutating func session(_ session: Session, current: Bool, timeouts: SessionTimeouts) {
    object { writer in
      writer.string("id", session.id.text)
      writer.string("class", session.sessionClass.rawValue)
      writer.string("transport", session.transport.rawValue)
      writer.bool("current", current)
      writer.string("device", session.device)
      writer.string("user_agent", session.userAgent)
      writer.string("ip", session.ip)
      writer.instant("created_at", session.createdAtMilliseconds)
      writer.instant("last_seen_at", session.seenAtMilliseconds)
      writer.instant("authenticated_at", session.authenticatedAtMilliseconds)
      writer.instant("idle_expires_at", min(session.seenAtMilliseconds + timeouts.idleMilliseconds, session.expiresAtMilliseconds))
      writer.instant("expires_at", session.expiresAtMilliseconds)
    }
  }
}

extension Property {
  /// The sentence on a plan's end.
  static let planEndMeaning = "When the default plan follows; null for no end."
  /// The words on `external_id`.
  static let externalIDMeaning = "The app's own id of the user"

  static let planEndsAt = Property("plan_ends_at", .instant.orNull, planEndMeaning, example: .null)

  static func externalID(example: JSONValue) -> Property {
    Property("external_id", .text.orNull, "\(externalIDMeaning); null without one.", example: example)
  }
}

extension Schema {
  /// The members of a user, as everybody sees them who may.
  static let userMembers: [Property] = [
    Property("id", .id(UserID.self), "Gatehouse's id of the user, which never changes.", example: "usr_4tq9m2kd7xw1hb"),
    .externalID(example: .null),
    Property("email", .text, "The present address, as it was given.", example: "mia@example.com"),
    Property("email_verified", .flag, "Whether the present address was verified."),
    Property("pending_email", .text.orNull, "The address that waits to be verified; null if none does.", example: .null),
    Property("name", .text.orNull, "The user's name, for people; null without one.", example: "Mia Ø"),
    Property("time_zone", .text, "An IANA name: the user's days begin at its midnight.", example: "Europe/Berlin"),
    Property("plan", .text, "The plan in force.", example: "free"),
    .planEndsAt,
    Property(
      "status", .values(["active", "suspended"]), "suspended: every use of the user's sessions is refused.", example: "active"),
    Property("created_at", .instant, "When the user signed up.", example: "2026-11-23T14:02:51.106Z"),
  ]

  static let user = object(userMembers, isClosed: false).named("User")

  static let idleEndMeaning =
    "The earliest time at which the session ends if it is not used. It ends at most a fifth of its idle time, or ten minutes, later; a use "
    + "until then keeps it."

  static let session = answer(
    Property("id", .id(SessionID.self), "The session's id.", example: "ses_9w3kfz80qm5rta"),
    Property("class", .values(SessionClass.allCases.map(\.rawValue)), "How long the session lives.", example: "web"),
    Property("transport", .values(["bearer", "cookie"]), "How the client sends the token.", example: "bearer"),
    Property("current", .flag, "Whether the request came with this session.", example: true),
    Property("device", .text.orNull, "The device's name, as the login gave it.", example: "Mia's laptop"),
    Property("user_agent", .text.orNull, "A short form of the client's User-Agent.", example: "Firefox 140 on Linux"),
    Property("ip", .text.orNull, "The client's address at the login.", example: "203.0.113.7"),
    Property("created_at", .instant, "When the session began.", example: "2026-11-23T14:03:07.412Z"),
    Property(
      "last_seen_at", .instant, "When the session was last used, or up to \(Spelled.minutes(SessionTimeouts.touchMillisecondsMax)) before.",
      example: "2026-11-23T14:03:07.412Z"),
    Property("authenticated_at", .instant, "When the password was entered.", example: "2026-11-23T14:03:07.412Z"),
    Property("idle_expires_at", .instant, idleEndMeaning, example: "2026-11-24T14:03:07.412Z"),
    Property("expires_at", .instant, "When the session ends.", example: "2026-11-30T14:03:07.412Z")
  ).named("Session")

  /// A session's token beside the session; null where a cookie carries it.
  static let token = text.orNull.described("null with transport cookie.").example(
    "gh_1k7x2qv9dYtR4mZs0JpWc8eUfB3aLh6GnXo5iKtMvN1yQwHsDzE2uCj7bArP9Tx4")
}
