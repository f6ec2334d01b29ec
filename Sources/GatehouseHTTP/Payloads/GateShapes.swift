import StrictJSON
import GatehouseCore

// The members of the gate's answers, as the documents say them.

extension Schema {
  static let gateAnswer = answer(
    Property(
      "decision", .values(Decision.allCases.map(\.rawValue)), "The decision. Treat an unknown value as a refusal.",
      example: "allow"),
    Property("allowed", .flag, "Whether the decision is allow.", example: true),
    Property("source", .values(["redis", "ledger"]), "Which store decided: ledger while Redis is away.", example: "redis"),
    Property("retry_after_seconds", .count.orNull, "When to ask again after a refusal; null when waiting does not help.", example: .null),
    Property("user", .gateUser.orNull, "The user whose token it is; null for unauthenticated."),
    Property("session", .gateSession.orNull, "The session whose token it is; null for unauthenticated and suspended."),
    Property("limits", .list(of: .policyStanding), "Each policy that the question names, after the decision."),
    Property("allowances", .list(of: .allowance), "The allowance of the metric that the question reserves, after the decision."),
    Property("reservation", .gateReservation.orNull, "The units that are held now; null when none were asked for or none are held."),
    Property(
      "headers", Schema(["type": "object", "additionalProperties": ["type": "string"]]),
      "Header fields to pass on to the user's client.",
      example: ["RateLimit-Policy": #""api";q=60;w=60"#, "RateLimit": #""api";r=59;t=60"#]),
    Property("problem", .problem.orNull, "The refusal as a body to pass on; null for allow.", example: .null)
  ).named("GateAnswer")

  static let gateUser = answer(
    Property("id", .id(UserID.self), "Gatehouse's id of the user.", example: "usr_4tq9m2kd7xw1hb"),
    .externalID(example: "1042"),
    Property("plan", .text, "The plan in force.", example: "free"),
    Property("status", .text, "active or suspended.", example: "active"),
    Property("email_verified", .flag, "Whether the address was verified.", example: true)
  ).named("GateUser")

  static let gateSession = answer(
    Property("id", .id(SessionID.self), "The session's id.", example: "ses_9w3kfz80qm5rta"),
    Property("class", .text, "web, remember or mobile: how long the session lives.", example: "web"),
    Property("authenticated_at", .instant, "When the password was entered for this token.", example: "2026-11-23T14:03:07.412Z"),
    Property("idle_expires_at", .instant, idleEndMeaning, example: "2026-11-24T14:03:07.412Z"),
    Property("expires_at", .instant, "When the session ends.", example: "2026-11-30T14:03:07.412Z")
  ).named("GateSession")

  static let gateReservation = answer(
    Property("id", .id(ReservationID.self), "The id to commit or release the units with.", example: "rsv_6m1ytc94wd8qse"),
    Property("metric", .text, "The metric of the units.", example: "video_analysis"),
    Property("amount", .integer(from: 1), "How many units are held.", example: 1),
    Property("status", .text, "held; in a repeat, as it was at first.", example: "held"),
    Property(
      "lease_expires_at", .instant.orNull, "When the units come back by themselves, unless the lease is extended.",
      example: "2026-11-23T14:33:07.930Z")
  ).named("GateReservation")

  static let policyStanding = answer(
    Property("policy", .text, "The policy's name in the configuration.", example: "api"),
    Property("limit", .count, "Units that one window holds.", example: 60),
    Property("window_seconds", .integer(from: 1), "The length of the window.", example: 60),
    Property("remaining", .count, "Units that are left now.", example: 59),
    Property("reset_seconds", .count, "Seconds until more units are left; 0 when all are.", example: 60),
    Property("exceeded", .flag, "Whether this policy refuses the call."),
    Property("shadow", .flag, "Whether the policy only counts: one that is exceeded refuses nothing.")
  ).named("PolicyStanding")

  static let problem = answer(
    Property("type", .text, "A URI that names the code."),
    Property("title", .text, "The code as a sentence."),
    Property("status", .integer(400...599), "The HTTP status."),
    Property("code", .text, "Which refusal it is, for programs."),
    Property("detail", .text, "The fault, its place and its remedy."),
    Property("request_id", .text, "The request's name in logs."),
    Property(
      "errors",
      .list(
        of: .answer(
          Property("field", .text, "Where the field is, for people."),
          Property("pointer", .text, "Where the field is, as a JSON pointer."),
          Property("code", .text, "The kind of fault, for programs."),
          Property("message", .text, "The fault and its remedy."))),
      "The wrong fields, with invalid_fields.", isRequired: false),
    Property(
      "violated-policies", .list(of: .text), "The policies or metrics that are used up, with 429.", isRequired: false)
  ).described("application/problem+json; some codes have further members.").named("Problem")
}
