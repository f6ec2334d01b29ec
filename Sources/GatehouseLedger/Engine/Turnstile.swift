import Foundation

/// The order in which processes write to one file: two locks, `turn` and `writer`. Who waits for `writer` holds `turn`, so nobody
/// overtakes: no process starves. The writer's lock is the checkpoint's too: SQLite before 3.51.3 can corrupt a log that two
/// connections reset at the same instant.
///
/// Used by one thread at a time (the writer's). The kernel frees both locks of a process that dies.
final class Turnstile {
  private let turn: Int32
  private let writer: Int32

  init(besides path: String) throws(LedgerFailure) {
    turn = open(path + ".turn", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    writer = open(path + ".writer", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard turn >= 0, writer >= 0 else { throw LedgerFailure(.internal("the lock files beside \(path) can't be opened")) }
  }

  deinit {
    close(turn)
    close(writer)
  }

  /// Runs `body` as the only writer among all processes. Blocks: only for the writer's thread.
  func pass<T>(_ body: () throws -> T) rethrows -> T {
    lock(turn)
    lock(writer)
    unlock(turn)
    defer { unlock(writer) }
    return try body()
  }

  private func lock(_ file: Int32) {
    while flock(file, LOCK_EX) != 0, errno == EINTR {}
  }

  private func unlock(_ file: Int32) { flock(file, LOCK_UN) }
}
