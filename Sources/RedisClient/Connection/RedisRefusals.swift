import Synchronization

/// A command of this client that Redis answered with an error.
public struct RedisRefusal: Sendable, Hashable {
  /// The command as an account's line has it, or the script that failed: `hmget`, `script|load`, `gate`.
  public let command: String
  /// The kind of the error.
  public let kind: RedisServerError.Kind

  /// A refusal of a command, named in small letters.
  public init(command: String, kind: RedisServerError.Kind) {
    self.command = command
    self.kind = kind
  }
}

/// Everything that Redis refuses a client, over all its connections: from the first refusal until a trial of everything meets none.
public final class RedisRefusals: Sendable {
  /// A change that is worth a line in the log.
  public enum Change: Sendable, Equatable {
    /// These, which had not been told since all was well.
    case refused([RedisRefusal])
    /// None any more, after so long.
    case over(after: Duration)
  }

  /// A refusal that no trial meets is over when nobody has met it for so long.
  public static let calm: Duration = .seconds(3)

  private struct State {
    var since: ContinuousClock.Instant?
    var latest: ContinuousClock.Instant?
    /// The refusals that callers met, and when they last did.
    var met: [RedisRefusal: ContinuousClock.Instant] = [:]
    var told: Set<RedisRefusal> = []
    /// Whether a trial, or a new connection, meets the same: the first one that meets nothing then ends it.
    var isTried = false

    mutating func refused(at now: ContinuousClock.Instant) {
      since = since ?? now
      latest = now
    }
  }

  private let state = Mutex(State())

  /// Nothing is refused.
  public init() {}

  /// Whether Redis was met to refuse something lately.
  public func isRefused(at now: ContinuousClock.Instant = .now) -> Bool {
    state.withLock { state in state.since != nil && state.latest.map { $0.duration(to: now) < Self.calm } ?? false }
  }

  /// A caller's command was refused.
  func met(_ refusal: RedisRefusal, at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      state.refused(at: now)
      state.met[refusal] = now
    }
  }

  /// A connection can't be made, or was left, for what Redis refuses; the log has been told.
  func metByConnection(at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      state.refused(at: now)
      state.isTried = true
    }
  }

  /// Takes in what a trial of all commands has met; nil if it had no answer.
  /// - Parameters:
  ///   - start: when the trial was sent: it says nothing of what was met later.
  ///   - now: when it was answered.
  public func tried(
    _ trial: [RedisRefusal]?, from start: ContinuousClock.Instant, to now: ContinuousClock.Instant = .now
  ) -> Change? {
    state.withLock { state in
      // A trial that was sent later names the very commands; a caller knows no more than its script.
      let met = state.met.filter { $0.value < start }.keys
      for refusal in met { state.met[refusal] = nil }
      var news = state.isTried ? [] : Set(met)
      if let trial, !trial.isEmpty {
        state.refused(at: now)
        state.isTried = true
        news = Set(trial)
      }
      news.subtract(state.told)
      if !news.isEmpty {
        state.told.formUnion(news)
        return .refused(news.sorted { $0.command < $1.command })
      }
      guard let since = state.since, let latest = state.latest, trial?.isEmpty == true, latest < start,
        state.isTried || latest.duration(to: start) >= Self.calm
      else { return nil }
      let wasTold = !state.told.isEmpty
      state = State()
      return wasTold ? .over(after: since.duration(to: now)) : nil
    }
  }
}
