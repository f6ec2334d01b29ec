import Foundation
import Logging

/// How many files and connections the process may have open, and how many of them the public listener may take.
///
/// With none left, Redis could not be reached again and the ledger could not be backed up; so connections leave some.
enum Descriptors {
  /// The descriptors that the ledger, Redis, the ops listeners and commands have for themselves.
  static let reserved = 256
  /// With fewer the listeners' bounds could not keep enough of them free: a process that has none left is ended by its runtime, which
  /// can't look at its own threads then.
  static let least = 256

  /// Throws a sentence where the system allows the process fewer than `least`.
  static func check() throws(CommandFailure) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_max < rlim_t(least) else { return }
    throw CommandFailure(
      "This process may open \(limit.rlim_max) files, and needs at least \(least): allow more (LimitNOFILE=, ulimit -Hn).")
  }

  /// The connections that the public listener takes at once: `wanted`, or fewer where the system allows too few descriptors. At
  /// least half of them are for connections.
  static func connectionsMax(wanted: Int, descriptors: Int) -> Int {
    max(1, min(wanted, max(descriptors - reserved, descriptors / 2)))
  }

  /// The connections that each of the two ops listeners takes at once: a quarter of what is not for the public one, so that with all of
  /// them open there are still descriptors for Redis and the ledger. More wait to be accepted.
  static func operationsMax(descriptors: Int) -> Int { max(1, min(64, min(reserved, descriptors / 2) / 4)) }

  /// The connections that each of the two ops listeners takes at once under the process's present limit of descriptors.
  static var operationsMax: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return operationsMax(descriptors: reserved) }
    return operationsMax(descriptors: Int(clamping: limit.rlim_cur))
  }

  /// Raises the process's limit as far as it may by itself, and says in the log when that is too little for half of `wanted`.
  ///
  /// Shells and systemd give a process 1,024 descriptors at first, and let it have more if it asks.
  static func connectionsMax(wanted: Int, log: Logger) -> Int {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return wanted }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(wanted + reserved)))
      if setrlimit(kind, &raised) == 0 { limit = raised }
    }
    let taken = connectionsMax(wanted: wanted, descriptors: Int(clamping: limit.rlim_cur))
    if taken < wanted / 2 {
      log.warning(
        """
        http.connections_max is \(wanted), but the process may open \(limit.rlim_cur) files: the public listener takes \(taken) \
        connections at once. Allow more files (LimitNOFILE=, ulimit -n), or lower the key.
        """)
    }
    return taken
  }
}
