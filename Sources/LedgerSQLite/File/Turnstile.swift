import Dispatch
import Foundation
import GatehouseLedger
import Synchronization

/// The order in which processes write to one file: two locks, `turn` and `writer`. The process that waits for `writer` holds `turn`, so
/// nobody overtakes: no process starves. The writer's lock is the checkpoint's too: SQLite before 3.51.3 can corrupt a log that two
/// connections reset at the same instant.
///
/// Used by one thread at a time (the writer's). The kernel frees both locks of a process that dies.
final class Turnstile {
  /// The two lock files, closed when nobody uses them any more: also not a thread that still waits for one.
  private final class Files: Sendable {
    let turn: Int32
    let writer: Int32

    init(besides path: String) {
      turn = open(path + ".turn", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      writer = open(path + ".writer", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    }

    deinit {
      if turn >= 0 { close(turn) }
      if writer >= 0 { close(writer) }
    }

    func enter() throws(LedgerFailure) {
      try lock(turn)
      defer { flock(turn, LOCK_UN) }
      try lock(writer)
    }

    func enterIfFree() -> Bool {
      guard flock(turn, LOCK_EX | LOCK_NB) == 0 else { return false }
      defer { flock(turn, LOCK_UN) }
      return flock(writer, LOCK_EX | LOCK_NB) == 0
    }

    func leave() { flock(writer, LOCK_UN) }

    private func lock(_ file: Int32) throws(LedgerFailure) {
      while flock(file, LOCK_EX) != 0 {
        guard errno == EINTR else { throw LedgerFailure(.internal("The ledger's lock files can't be locked (errno \(errno)).")) }
      }
    }
  }

  /// A thread that enters, and the one that waits for it.
  private final class Entry: Sendable {
    let group = DispatchGroup()
    let outcome = Mutex<Result<Void, LedgerFailure>?>(nil)

    func run(_ files: Files) {
      do throws(LedgerFailure) {
        try files.enter()
        outcome.withLock { $0 = .success(()) }
      } catch { outcome.withLock { $0 = .failure(error) } }
      group.leave()
    }
  }

  private let files: Files
  private let path: String

  init(besides path: String) throws(LedgerFailure) {
    self.path = path
    files = Files(besides: path)
    guard files.turn >= 0, files.writer >= 0 else {
      let reason = errno
      throw LedgerFailure(
        .internal(
          "the lock files \(path).turn and .writer can't be opened (\(String(cString: strerror(reason)))): "
            + (reason == EROFS ? "mount their file system for writing" : "check the folder and its owner")))
    }
  }

  /// Runs `body` as the only writer among all processes. Blocks: only for the writer's thread. Throws what `body` does, and
  /// `internal` without having run it if the kernel refuses the lock.
  func pass<T>(_ body: () throws(LedgerFailure) -> T) throws(LedgerFailure) -> T {
    try files.enter()
    defer { files.leave() }
    return try body()
  }

  /// Runs `body` as the only writer if no other is at work or waits; whether it ran.
  @discardableResult
  func passIfFree(_ body: () -> Void) -> Bool {
    guard files.enterIfFree() else { return false }
    defer { files.leave() }
    body()
    return true
  }

  /// Runs `body` as the only writer among all processes, for a thread that may wait so long and no longer. After that it throws `internal`,
  /// which names who is in the way, and this turnstile must not be used again.
  func pass<T>(within patience: Duration, _ body: () throws(LedgerFailure) -> T) throws(LedgerFailure) -> T {
    let entry = Entry()
    entry.group.enter()
    // `flock` knows no time-out, and a thread that tries without waiting would be overtaken by all who wait.
    Thread.detachNewThread { [files] in entry.run(files) }
    guard entry.group.wait(timeout: .now() + patience / .seconds(1)) == .success else {
      throw LedgerFailure(.internal("another process writes to it and does not go on: end it, or let it go on (\(others))"))
    }
    if case .failure(let failure)? = entry.outcome.withLock({ $0 }) { throw failure }
    defer { files.leave() }
    return try body()
  }

  /// The programs that hold the writer's lock, for a sentence.
  private var others: String {
    let holders = LockHolders.of(path + ".writer", .wholeFile)
    return holders.isEmpty ? "it is in another container" : holders.map(\.description).joined(separator: ", ")
  }
}
