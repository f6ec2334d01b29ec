import Dispatch

/// Runs `body`, which may block, on a thread that no task and no event loop needs: for files, locks and child processes.
///
/// For what is rare and ends: such threads are few.
public func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
  await withCheckedContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(returning: body()) }
  }
}
