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
    guard turn >= 0, writer >= 0 else {
      let reason = String(cString: strerror(errno))
      throw LedgerFailure(.internal("The lock files \(path).turn and .writer can't be opened (\(reason)): check the folder and its owner."))
    }
  }

  deinit {
    if turn >= 0 { close(turn) }
    if writer >= 0 { close(writer) }
  }

  /// Runs `body` as the only writer among all processes. Blocks: only for the writer's thread. Throws what `body` does, and
  /// `internal` without having run it if the kernel refuses the lock.
  func pass<T>(_ body: () throws(LedgerFailure) -> T) throws(LedgerFailure) -> T {
    try lock(turn)
    defer { unlock(writer) }
    do {
      try lock(writer)
    } catch {
      unlock(turn)
      throw error
    }
    unlock(turn)
    return try body()
  }

  /// Runs `body` as the only writer if no other is at work or waits; whether it ran.
  @discardableResult
  func passIfFree(_ body: () -> Void) -> Bool {
    guard flock(turn, LOCK_EX | LOCK_NB) == 0 else { return false }
    defer { unlock(turn) }
    guard flock(writer, LOCK_EX | LOCK_NB) == 0 else { return false }
    defer { unlock(writer) }
    body()
    return true
  }

  private func lock(_ file: Int32) throws(LedgerFailure) {
    while flock(file, LOCK_EX) != 0 {
      guard errno == EINTR else { throw LedgerFailure(.internal("The ledger's lock files can't be locked (errno \(errno)).")) }
    }
  }

  private func unlock(_ file: Int32) { flock(file, LOCK_UN) }
}
