import GatehouseCrypto
import GatehouseCore

/// How a user's hash is written: names and values that a person can read, none of which logs anyone in.
enum UserHash {
  /// The arguments of the install script.
  static func installArguments(_ snapshot: HotSnapshot, epoch: String, ticket: String) -> [String] {
    let user = snapshot.user
    var words = [epoch, ticket, String(HotSpans.hash)]
    words += ["v", "1", "id", user.id.text, "mail", user.emailVerified ? "1" : "0", "plan", snapshot.plan]
    words += ["status", user.status.rawValue, "epoch", epoch, "until", String(snapshot.validUntilMilliseconds)]
    if let externalID = user.externalID { words += ["ext", externalID] }
    for session in snapshot.sessions {
      words += ["s:" + session.tokenHash.hex, sessionValue(session) + (session.isSuccessor ? "|prev" : "")]
    }
    for quota in snapshot.quotas { words += ["q:" + KeySpace.metricWord(quota.metric, quota.period.kind), quotaValue(quota)] }
    return words
  }

  /// `class|sid|created|auth|seen|abs`: what the gate needs. Address and agent are in the ledger only: they would double the memory of
  /// a session, and the fewer places hold them the better.
  private static func sessionValue(_ session: Session) -> String {
    let parts: [String] = [
      session.sessionClass.rawValue, session.id.text, String(session.createdAtMilliseconds),
      String(session.authenticatedAtMilliseconds), String(session.seenAtMilliseconds), String(session.expiresAtMilliseconds),
    ]
    return parts.joined(separator: "|")
  }

  /// `start|end|used|held|min_lease|override|bonus`
  private static func quotaValue(_ quota: HotSnapshot.Quota) -> String {
    let override = quota.override.map { $0.map(String.init) ?? "*" } ?? ""
    let parts: [String] = [
      String(quota.period.startMilliseconds), String(quota.period.endMilliseconds), String(quota.used), String(quota.held),
      quota.leaseEndsAtMilliseconds.map(String.init) ?? "", override, String(quota.bonus),
    ]
    return parts.joined(separator: "|")
  }
}
