import GatehouseCore
import RedisClient
import Synchronization

/// The gate script's arguments that are the same in many calls, encoded once for an epoch and an edition of the rules.
final class GateWords: Sendable {
  /// One policy's arguments, but for what a call costs.
  struct PolicyWords: Sendable {
    let policy: Policy
    /// Field, window, cells.
    let window: EncodedWords
    /// The limits by plan.
    let limits: EncodedWords
  }

  /// Policies that are kept encoded; a configuration with more has each encoded anew whenever there is no room.
  private static let policiesMax = 64

  let edition: Int
  let epoch: String
  let table: AllowanceTable
  /// The head of the name of an account's field.
  let accountHead: [UInt8]
  /// How the gate looks at sessions: arguments 4 and 5.
  let sessions: EncodedWords
  private let policies = Mutex<[PolicyWords]>([])

  init(edition: Int, epoch: String, table: AllowanceTable, timeouts: (SessionClass) -> SessionTimeouts) {
    self.edition = edition
    self.epoch = epoch
    self.table = table
    accountHead = Array(UserHash.accountHead(epoch: epoch).utf8)
    let classes = [SessionClass.web, .remember, .mobile].map(timeouts)
    sessions = EncodedWords { words in
      words.word(classes.map(\.touchMilliseconds).min() ?? 0)
      words.word(classes.map { String($0.idleMilliseconds) }.joined(separator: "|"))
    }
  }

  /// The words of a policy.
  func words(_ policy: Policy) -> PolicyWords {
    policies.withLock { policies in
      if let known = policies.first(where: { $0.policy == policy }) { return known }
      let window = EncodedWords { words in
        words.word(policy.fieldName)
        words.word(policy.windowSeconds * 1000)
        words.word(policy.cells)
      }
      let limits = EncodedWords { words in
        words.word(byPlan { policy.shadow ? "" : String(policy.limits.limit(plan: $0)) })
      }
      let made = PolicyWords(policy: policy, window: window, limits: limits)
      if policies.count >= Self.policiesMax { policies.removeAll() }
      policies.append(made)
      return made
    }
  }

  /// A number of each plan as the scripts read it: `|<plan>:<number>|...`, the default plan first, or one for all.
  func byPlan(_ number: (String) -> String) -> String {
    let numbers = table.plans.map(number)
    if let first = numbers.first, numbers.allSatisfy({ $0 == first }) { return ":" + first }
    return zip(table.plans, numbers).map { "|\($0):\($1)" }.joined()
  }
}
