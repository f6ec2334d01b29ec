import GatehouseRedis
import Logging
import RedisClient

/// Tries, again and again, whether Redis lets the service do all that it needs, and says in the log what it refuses and when that ends.
struct RefusalTrials: Sendable {
  private static let interval: Duration = .seconds(1)

  let redis: RedisClient
  let log: Logger

  /// Until its task is cancelled.
  func run() async {
    let trial = HotTrial(redis: redis)
    while !Task.isCancelled {
      let start = ContinuousClock.now
      tell(redis.refusals.tried(await trial.run(), from: start))
      try? await Task.sleep(for: Self.interval)
    }
  }

  private func tell(_ change: RedisRefusals.Change?) {
    switch change {
    case nil: break
    case .refused(let refusals):
      for (kind, refused) in Dictionary(grouping: refusals, by: \.kind).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        log.warning(
          "Redis refuses a command: the ledger does what Redis does not, with stricter rate limits. \(Self.advice(kind))",
          metadata: ["command": "\(refused.map(\.command).joined(separator: " "))", "reason": "\(kind.rawValue)"])
      }
    case .over(let after):
      log.notice("Redis refuses nothing any more", metadata: ["refused_ms": "\(Int64(after / .milliseconds(1)))"])
    }
  }

  private static func advice(_ kind: RedisServerError.Kind) -> Logger.Message {
    switch kind {
    case .noPermission:
      """
      Its account gatehouse lacks what is named: take the line `user gatehouse` over from the shipped redis.conf, with ACL SETUSER and in \
      the configuration file of Redis
      """
    case .outOfMemory: "Its memory is full: raise its maxmemory, or remove what else it holds"
    case .misconf: "It can't write to its disk: make room, and look at its log"
    case .readOnly: "It is a replica: make it a master again, with REPLICAOF NO ONE"
    case .noReplicas: "It has fewer replicas than its min-replicas-to-write: start them, or lower that"
    case .busy: "Another program's script does not end: stop it with SCRIPT KILL"
    case .loading: "It reads its data: wait"
    default: "Look at its log"
    }
  }
}
