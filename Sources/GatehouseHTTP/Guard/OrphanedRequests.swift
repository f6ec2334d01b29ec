import Synchronization

/// Counts the requests that are still being answered in the channel though their connection has ended. No task waits for them, as one
/// does for each route: only the end of the process does.
public final class OrphanedRequests: Sendable {
  /// How often the end of the process looks whether there are any left.
  private static var lookInterval: Duration { .milliseconds(5) }

  private let count = Atomic(0)

  /// None yet.
  public init() {}

  /// How many there are now.
  public var now: Int { count.load(ordering: .relaxed) }

  /// Returns when there are none, or when the task is cancelled.
  public func ended() async {
    while now > 0 {
      guard (try? await Task.sleep(for: Self.lookInterval)) != nil else { return }
    }
  }

  /// A connection has ended before its answer.
  func begin() { count.wrappingAdd(1, ordering: .relaxed) }

  /// The answer has come, and nobody hears it.
  func end() { count.wrappingSubtract(1, ordering: .relaxed) }
}
