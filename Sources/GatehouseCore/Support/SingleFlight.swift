import Synchronization

/// One piece of work at a time for a key, and a bounded number in all: who comes while a key's work runs waits for its end instead
/// of starting another; the first of a key waits for a place if all are taken.
final class SingleFlight<Key: Hashable & Sendable>: Sendable {
  /// The fate of a call.
  enum Outcome: Equatable {
    /// It did the work.
    case led
    /// It waited for another's work on the same key.
    case followed
    /// Too many keys wait for a place: nothing was done.
    case refused
  }

  private struct Flights {
    var flights: [Key: [CheckedContinuation<Void, Never>]] = [:]
  }

  /// Keys whose work runs or waits for a place.
  private let flightsMax: Int
  private let places: Turns
  private let state = Mutex(Flights())

  /// - Parameters:
  ///   - runningMax: works that run at once.
  ///   - waitingMax: keys whose work waits for a place.
  init(runningMax: Int, waitingMax: Int) {
    flightsMax = runningMax + waitingMax
    places = Turns(atOnce: runningMax)
  }

  /// Runs `work`, or waits for the one that runs on this key.
  func run(_ key: Key, _ work: () async -> Void) async -> Outcome {
    let leads = state.withLock { state -> Bool? in
      if state.flights[key] != nil { return false }
      guard state.flights.count < flightsMax else { return nil }
      state.flights[key] = []
      return true
    }
    guard let leads else { return .refused }
    guard leads else {
      await follow(key)
      return .followed
    }
    await places.enter()
    await work()
    places.leave()
    let waiting = state.withLock { $0.flights.removeValue(forKey: key) ?? [] }
    for continuation in waiting { continuation.resume() }
    return .led
  }

  private func follow(_ key: Key) async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.flights[key] != nil else { return true }
        state.flights[key]?.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }
}
