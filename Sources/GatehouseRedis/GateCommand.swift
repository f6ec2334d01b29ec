import GatehouseCore
import GatehouseCrypto
import RedisClient

/// One call of the gate script, as `gate.lua` wants it. An object, since the closures that send it would each copy it.
final class GateCommand: Sendable {
  /// Keys and arguments of a call without a policy.
  private static let wordsMin = 8
  /// Words of a policy, and of a hold.
  private static let wordsEach = 5

  let query: HotQuery
  let words: GateWords
  /// Makes this call's ticket another than that of every other call.
  let ticket: GateTicket
  /// The caller's time.
  let now: Int64
  /// All that is out of the ordinary; nil for a plain call.
  private let besides: String?

  init(_ query: HotQuery, _ words: GateWords, ticket: GateTicket, now: Int64) {
    self.query = query
    self.words = words
    self.ticket = ticket
    self.now = now
    besides = Self.besides(query, words)
  }

  /// How many keys and arguments `write` writes.
  var wordCount: Int {
    Self.wordsMin + Self.wordsEach * (query.charges.count + (query.hold == nil ? 0 : 1)) + (besides == nil ? 0 : 1)
  }

  func write(_ writer: inout CommandWriter) {
    KeySpace.withRouting(query.userID) { routing in
      writer.word(KeySpace.head, routing, KeySpace.userTail)
      writer.word(KeySpace.head, routing, KeySpace.windowsTail)
      writer.word(words.accountHead, routing)
    }
    if let hash = query.tokenHash {
      hash.bytes.withUnsafeBytes { writer.word(UserHash.sessionHead, hexadecimal: $0) }
    } else {
      writer.word("")
    }
    writer.word(now)
    writer.words(words.sessions)
    withUnsafeBytes(of: ticket.number.bigEndian) { writer.word(ticket.process, hexadecimal: $0) }
    for charge in query.charges {
      let policy = words.words(charge.policy)
      writer.words(policy.window)
      writer.word(charge.cost)
      writer.words(policy.limits)
    }
    if let hold = query.hold {
      writer.word(hold.holdID)
      writer.word(KeySpace.metricWord(hold.metric, words.table.metric(hold.metric)?.kind ?? .day))
      writer.word(hold.amount)
      writer.word(min(hold.leaseMilliseconds, HotSpans.holdMax))
      writer.word(words.byPlan { words.table.limit(plan: $0, metric: hold.metric).map(String.init) ?? "" })
    }
    if let besides { writer.word(besides) }
  }

  private static func besides(_ query: HotQuery, _ words: GateWords) -> String? {
    let needs = query.requirements
    var said: [String] = []
    if query.peek { said.append("peek") }
    if query.hold != nil { said.append("hold") }
    if needs.emailVerified { said.append("verified") }
    if let within = needs.authenticatedWithinMilliseconds { said.append("authenticated=\(within)") }
    if let plans = needs.plans { said.append("plans=" + words.byPlan { plans.contains($0) ? "1" : "0" }) }
    if query.charges.contains(where: { $0.besides > 0 }) {
      said.append("besides=" + query.charges.map { String($0.besides) }.joined(separator: ","))
    }
    return said.isEmpty ? nil : " " + said.joined(separator: " ") + " "
  }
}

/// The ticket under which a cold user is read again, if this call finds them so: another for every call of every process.
struct GateTicket: Sendable {
  /// Characters of a ticket.
  static let characters = 16

  /// Random characters of the process.
  let process: [UInt8]
  /// The number of the call.
  let number: UInt32
}
