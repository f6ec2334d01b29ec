import Synchronization

/// One piece of work at a time for a key: who comes while it runs waits for its end instead of starting another.
final class SingleFlight: Sendable {
  private let flights: Mutex<[UserID: [CheckedContinuation<Void, Never>]]> = Mutex([:])

  /// Runs `work` and true, or waits for the one that runs and false.
  func run(_ key: UserID, _ work: () async -> Void) async -> Bool {
    let leads = flights.withLock { flights in
      guard flights[key] == nil else { return false }
      flights[key] = []
      return true
    }
    guard leads else {
      await withCheckedContinuation { continuation in
        let running = flights.withLock { flights in
          guard flights[key] != nil else { return false }
          flights[key]?.append(continuation)
          return true
        }
        if !running { continuation.resume() }
      }
      return false
    }
    await work()
    let waiting = flights.withLock { $0.removeValue(forKey: key) ?? [] }
    for continuation in waiting { continuation.resume() }
    return true
  }
}
