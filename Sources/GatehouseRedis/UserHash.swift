import GatehouseCrypto
import GatehouseCore

/// How a user's hash is written: names and values that a person can read, none of which logs anyone in.
///
/// The version of the form stands in the name of the account's field, with the epoch and whose it is: a hash of another version, of
/// another epoch or of another user has no such field. Sessions, allowances and holds are as version 1 had them.
public enum UserHash {
  /// The form that this program writes. It reads that of version 1 too; what older programs can't read they make anew in theirs.
  static let version = 2
  /// The head of a session's field, before the token's hash.
  static let sessionHead = Array("s:".utf8)

  /// The head of the name of an account's field, before the routing id.
  static func accountHead(epoch: String) -> String { "v\(version):\(epoch):" }

  /// The epoch in the name of an account's field; nil for another field.
  public static func epoch(ofField name: String) -> String? {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "v\(version)" ? String(parts[1]) : nil
  }

  /// The account that a field of that name holds, in its parts; nil if it is none.
  public static func account(_ value: String) -> (until: Int64, plan: String, status: String, isVerified: Bool, externalID: String?)? {
    let parts = value.split(separator: "|", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 5, let until = Int64(parts[0]) else { return nil }
    return (until, parts[1], parts[2], parts[3] == "1", parts[4].isEmpty ? nil : externalID(parts[4]))
  }

  /// The arguments of the install script.
  static func installArguments(_ snapshot: HotSnapshot, epoch: String, ticket: String) -> [String] {
    var words = [epoch, ticket, String(HotSpans.hash)]
    words += [accountHead(epoch: epoch) + snapshot.user.id.routingID, accountValue(snapshot)]
    for session in snapshot.sessions {
      words += ["s:" + session.tokenHash.hex, sessionValue(session) + (session.isSuccessor ? "|prev" : "")]
    }
    for quota in snapshot.quotas { words += ["q:" + KeySpace.metricWord(quota.metric, quota.period.kind), quotaValue(quota)] }
    return words
  }

  /// `until|plan|status|mail|ext`. A plan that no configuration can have is none.
  private static func accountValue(_ snapshot: HotSnapshot) -> String {
    let user = snapshot.user
    let isName = snapshot.plan.utf8.allSatisfy { $0 == 0x5f || $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 }
    let parts: [String] = [
      String(snapshot.validUntilMilliseconds), isName ? snapshot.plan : "", user.status.rawValue, user.emailVerified ? "1" : "0",
      user.externalID.map(escaped) ?? "",
    ]
    return parts.joined(separator: "|")
  }

  /// Control characters, and the mark itself, as `%0A`: an account is one line of the gate's answer.
  private static func escaped(_ text: String) -> String {
    func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f && byte != 0x25 }
    guard !text.utf8.allSatisfy(isPlain) else { return text }
    let digits = Array("0123456789ABCDEF".utf8)
    let bytes = text.utf8.flatMap { isPlain($0) ? [$0] : [0x25, digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The app's own id behind its written form.
  static func externalID(_ written: String) -> String {
    guard written.utf8.contains(0x25) else { return written }
    let bytes = Array(written.utf8)
    var text: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == 0x25, at + 2 < bytes.count, let byte = UInt8(String(decoding: bytes[(at + 1)...(at + 2)], as: UTF8.self), radix: 16) {
        text.append(byte)
        at += 3
      } else {
        text.append(bytes[at])
        at += 1
      }
    }
    return String(decoding: text, as: UTF8.self)
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
