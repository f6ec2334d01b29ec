import CSched
import Glibc

/// The cores that a thread may run on.
public struct CoreSet: Hashable, Sendable {
  /// 1,024 cores.
  private static let words = 16
  private var mask = [UInt64](repeating: 0, count: words)

  /// - Parameter thread: its number, or a process's for its first thread.
  /// - Returns: nil if there is no such thread, or the machine has more cores than fit in here.
  public init?(of thread: pid_t) {
    guard gatehouse_cores(thread, &mask, Self.words) > 0 else { return nil }
  }

  /// One core alone.
  /// - Parameter core: its number, below 1,024.
  public init(core: Int) { mask[core / UInt64.bitWidth] = 1 << (core % UInt64.bitWidth) }

  /// Their numbers, from the lowest up.
  public var cores: [Int] {
    (0..<Self.words * UInt64.bitWidth).filter { mask[$0 / UInt64.bitWidth] & 1 << ($0 % UInt64.bitWidth) != 0 }
  }

  /// Lets `thread` run on these cores only; false if it has ended or the system refuses.
  @discardableResult
  public func apply(to thread: pid_t) -> Bool { gatehouse_keep_to_cores(thread, mask, Self.words) == 0 }
}
