import Synchronization

/// An attempt that its limits let pass. It is counted before anybody looks at what was attempted, so that many at once are no more than
/// the limits allow; its units go back, once, if the service then refuses by itself.
///
/// Nobody gets a free guess by that: what was looked at and is wrong stays counted, whatever is answered.
public final class Attempt: Sendable {
  private let isSettled = Atomic(false)
  private let giveBack: @Sendable () async -> Void

  /// - Parameter giveBack: gives back what was taken; called once at most.
  init(giveBack: @escaping @Sendable () async -> Void) { self.giveBack = giveBack }

  /// Keeps the units: what was attempted is wrong.
  func stays() { isSettled.store(true, ordering: .relaxed) }

  /// Gives what `body` does with what was attempted. The units go back if it ends in a failure of the service, or in a bound of its own
  /// that it meets behind the limits.
  func counted<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch {
      let isBound = (error as? ServiceError)?.code == .rateLimited
      if isBound || ServiceError.isFailure(error) { await undo() }
      throw error
    }
  }

  /// Gives the units back, unless they have gone back or stay.
  func undo() async {
    if !isSettled.exchange(true, ordering: .relaxed) { await giveBack() }
  }
}
