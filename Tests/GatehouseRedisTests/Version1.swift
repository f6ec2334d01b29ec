import Foundation
import GatehouseCrypto
import GatehouseCore
import RedisClient
import Testing

@testable import GatehouseRedis

/// A process of the version before, whose form of the user's hash was 1: its scripts as they were, with its arguments.
struct Version1 {
  /// The answer of its gate.
  enum Reply: Equatable {
    case cold(ticket: String)
    case absent
    /// The decision, with the units held of the metric and the windows after the call.
    case decided(Decision, held: String?, windows: [[UInt8]])
  }

  static let gate = script("gate", "errors", "user", "window", "gate")
  static let install = script("install", "errors", "install")
  static let giveBack = script("give_back", "errors", "user", "window", "give_back")

  let frozen: Frozen

  private static func script(_ name: String, _ parts: String...) -> RedisScript {
    let folder = URL(filePath: #filePath).appending(path: "../Version1").standardized
    let texts = parts.map { (try? String(contentsOf: folder.appending(path: "\($0).lua"), encoding: .utf8)) ?? "error('no \($0).lua')" }
    return RedisScript(
      name: "version 1 of \(name)",
      source: "local HASH_MS, TICKET_MS, COUNTER_MS, TOUCH_MS = 86400000, 10000, 86400000, 300000\n" + texts.joined(separator: "\n"))
  }

  func gate(_ query: HotQuery, at now: Int64 = Frozen.start, epoch: String = Frozen.epoch) async throws -> Reply {
    let table = frozen.table
    let needs = query.requirements
    let idle = [SessionClass.web, .remember, .mobile].map { String(Fixture.timeouts($0).idleMilliseconds) }
    var words = [epoch, String(UUID().uuidString.prefix(16)), query.tokenHash?.hex ?? "", query.peek ? "1" : "0"] + idle
    words += [needs.authenticatedWithinMilliseconds.map(String.init) ?? "", needs.emailVerified ? "1" : "0"]
    words += [String(table.plans.map { needs.plans?.contains($0) ?? true ? "1" : "0" })] + table.plans + [String(query.charges.count)]
    for charge in query.charges {
      let policy = charge.policy
      words += [policy.fieldName, String(policy.windowSeconds * 1000), String(policy.cells), String(charge.cost), String(charge.besides)]
      words += table.plans.map { policy.shadow ? "" : String(policy.limits.limit(plan: $0)) }
    }
    if let hold = query.hold {
      words += [hold.holdID, hold.metric, String(hold.amount), String(min(hold.leaseMilliseconds, 60_000))]
      words += table.plans.map { table.limit(plan: $0, metric: hold.metric).map(String.init) ?? "" }
    } else {
      words.append("")
    }
    let keys = [KeySpace.user(query.userID), KeySpace.windows(query.userID)]
    let reply = try await frozen.run(Self.gate, keys, words + ["0", String(Instants.millisecondsMax)], at: now)
    let parts = try #require(reply.elements)
    let word = try #require(parts.first?.text)
    switch word {
    case "COLD": return .cold(ticket: try #require(parts[2].text))
    case "ABSENT": return .absent
    default:
      let quota = parts[9].text?.split(separator: "|", omittingEmptySubsequences: false) ?? []
      return .decided(
        try #require(Decision(rawValue: word)), held: quota.count == 7 ? String(quota[3]) : nil,
        windows: stride(from: 11, to: parts.count, by: 2).compactMap { parts[$0].byteValues })
    }
  }

  /// The hash as it wrote it.
  static func words(_ snapshot: HotSnapshot, epoch: String = Frozen.epoch) -> [String] {
    let user = snapshot.user
    var words = ["v", "1", "id", user.id.text, "mail", user.emailVerified ? "1" : "0", "plan", snapshot.plan]
    words += ["status", user.status.rawValue, "epoch", epoch, "until", String(snapshot.validUntilMilliseconds)]
    if let externalID = user.externalID { words += ["ext", externalID] }
    // Sessions and allowances have kept their form.
    return words + UserHash.installArguments(snapshot, epoch: epoch, ticket: "").dropFirst(5)
  }

  func install(_ snapshot: HotSnapshot, ticket: String, epoch: String = Frozen.epoch) async throws -> Int64? {
    let words = [epoch, ticket, "86400000"] + Self.words(snapshot, epoch: epoch)
    return try await frozen.run(Self.install, [KeySpace.user(snapshot.user.id)], words).integerValue
  }

  /// Makes a user warm in its form.
  func warm(_ snapshot: HotSnapshot) async throws {
    guard case .cold(let ticket) = try await gate(Fixture.query(snapshot.user.id, token: nil)) else { throw HotFailure(reason: "warm") }
    #expect(try await install(snapshot, ticket: ticket) == 1)
  }

  func giveBack(_ user: UserID, _ holdID: String) async throws -> Int64? {
    try await frozen.run(Self.giveBack, [KeySpace.user(user), KeySpace.windows(user)], [holdID]).integerValue
  }
}
