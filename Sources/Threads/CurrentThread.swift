import CSched
import Glibc

/// The calling thread, as Linux knows it.
public enum CurrentThread {
  /// Its number among the system's threads and processes.
  public static var number: pid_t { gatehouse_thread() }

  /// Gives the thread the name that `top -H` shows: at most 15 bytes, the rest is cut off. Foundation's own name for a thread is not
  /// reliably the system's.
  public static func setName(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = write(file, name, name.utf8.count)
    _ = close(file)
  }

  /// Lets other threads go first, from now on. Threads that it makes do so as well.
  /// - Parameters:
  ///   - niceness: 0 as a rule, 19 at most. Without privileges it can't be lowered again.
  ///   - sliceNanoseconds: how long it runs before the kernel looks for another. A thread that wakes takes the core from one with a
  ///     longer slice than its own; from one with the same it must wait until that is over. Overlooked before Linux 6.12, and in
  ///     sandboxes that know no slices.
  public static func standBack(niceness: Int32, sliceNanoseconds: UInt64) {
    if gatehouse_stand_back(niceness, sliceNanoseconds) == 0 { return }
    // 0 is this thread. Where that is refused too, it runs at the usual priority.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
  }
}
