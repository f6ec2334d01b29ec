import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Threads

/// Keeps each event loop on a core of its own, where there is one for each.
///
/// While passwords are hashed no core is idle, and Linux then looks for none when a thread wakes, not even for the one whose thread would
/// give way at once: the loops queue on the core where their clients and Redis run, and the gate behind the logins that are turned away.
struct LoopCores: Service {
  /// A thread begins on the cores of the thread that makes it: so often those that a loop has made are let go.
  static let interval: Duration = .seconds(1)

  let group: any EventLoopGroup
  let log: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      let all = CoreSet(of: getpid())
      let kept = if let all { await keep(all) } else { Set<pid_t>() }
      log.debug("Event loops that keep to a core of their own", metadata: ["count": "\(kept.count)"])
      while !Task.isCancelled {
        if let all, !kept.isEmpty { await offPool { Self.release(all, but: kept) } }
        try? await Task.sleep(for: Self.interval)
      }
    }
  }

  /// The threads of the loops, each on one core of `all` now. None, unless there are as many loops as cores: the loops of other processes
  /// would take the same few.
  func keep(_ all: CoreSet) async -> Set<pid_t> {
    let (loops, cores) = (Array(group.makeIterator()), all.cores)
    guard loops.count == cores.count, loops.count > 1 else { return [] }
    var kept: Set<pid_t> = []
    for (loop, core) in zip(loops, cores) {
      let thread = try? await loop.submit {
        let thread = CurrentThread.number
        return CoreSet(core: core).apply(to: thread) ? thread : nil
      }.get()
      if let thread { kept.insert(thread) }
    }
    return kept
  }

  /// Lets every thread of the process that keeps to one core run on all again, but for `kept`.
  private static func release(_ all: CoreSet, but kept: Set<pid_t>) {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    for thread in threads.compactMap({ pid_t($0) }) where !kept.contains(thread) && CoreSet(of: thread)?.cores.count == 1 {
      all.apply(to: thread)
    }
  }
}
