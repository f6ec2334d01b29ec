import GatehouseCrypto
import Synchronization

/// Tokens that the ledger has refused for good: they can never become valid, so they are refused again without a look.
final class DeadTokens: Sendable {
  /// How many are remembered; the oldest are forgotten first.
  static let countMax = 100_000

  private struct Memory {
    var known: Set<Digest256> = []
    var ring: [Digest256] = []
    var oldest = 0
  }

  private let memory = Mutex(Memory())

  func contains(_ hash: Digest256) -> Bool { memory.withLock { $0.known.contains(hash) } }

  func insert(_ hash: Digest256) {
    memory.withLock { memory in
      guard memory.known.insert(hash).inserted else { return }
      if memory.ring.count < Self.countMax {
        memory.ring.append(hash)
      } else {
        memory.known.remove(memory.ring[memory.oldest])
        memory.ring[memory.oldest] = hash
        memory.oldest = (memory.oldest + 1) % Self.countMax
      }
    }
  }
}
