import Foundation
import Synchronization

/// The clock as operators see it. Offsets are how far a clock was from the service's time at its last reading.
public struct ClockStatus: Sendable, Equatable {
  /// The service's time, in milliseconds since 1970 UTC.
  public let nowMilliseconds: Int64
  /// Whether Redis's clock can't be believed now, so that the ledger serves.
  public let isAlarmed: Bool
  /// Milliseconds that Redis's clock was ahead at its last reading; nil until one was heard, and again after a time was accepted.
  public let redisOffsetMilliseconds: Int64?
  /// Milliseconds that the host's wall clock was ahead at its last reading; 0 before the first.
  public let hostOffsetMilliseconds: Int64
  /// Whether the host's clock is further away than `ClockJudge.stepMaxMilliseconds`.
  public let isHostWrong: Bool
  /// Until when nothing is removed for its age; nil when rows may go.
  public let quietUntilMilliseconds: Int64?
}

/// The time that deadlines and days are computed from: Redis TIME as long as `ClockJudge` believes it, carried on by the boot-time
/// clock while Redis is silent or can't be believed.
public final class ServiceClock: Sendable {
  private struct ClockState {
    var judge: ClockJudge
    /// How many accepted times the ledger had when one was last taken from it; nil before the first look.
    var accepts: Int64?
  }

  private let state: Mutex<ClockState>

  /// - Parameter wallMilliseconds: the host's wall clock now, the start until Redis is heard.
  public init(wallMilliseconds: Int64) {
    state = Mutex(ClockState(judge: ClockJudge(wallMilliseconds: wallMilliseconds, boot: Self.boot)))
  }

  /// Milliseconds since 1970 UTC.
  public func now() -> Int64 { read { $0.now(at: $1) } }

  /// Whether Redis's own clock may decide: false during an alarm.
  public var believesRedis: Bool { read { judge, _ in !judge.isAlarmed } }

  /// Whether nothing may be removed for its age now: during an alarm and for a bounded time after a jump.
  public var isQuiet: Bool { read { $0.isQuiet(at: $1) } }

  /// The span in which a script of Redis may decide: outside it the script writes nothing and says so.
  public var believable: ClosedRange<Int64> {
    let now = now()
    return now - ClockJudge.stepMaxMilliseconds...now + ClockJudge.stepMaxMilliseconds
  }

  /// The clock as operators see it now.
  public var status: ClockStatus {
    read { judge, boot in
      ClockStatus(
        nowMilliseconds: judge.now(at: boot), isAlarmed: judge.isAlarmed, redisOffsetMilliseconds: judge.redisOffsetMilliseconds,
        hostOffsetMilliseconds: judge.hostOffsetMilliseconds, isHostWrong: judge.isHostWrong,
        quietUntilMilliseconds: judge.quietUntilMilliseconds(at: boot))
    }
  }

  /// Redis answered with its TIME. False: neither that time nor what was decided by it may be used.
  @discardableResult public func heard(redisMilliseconds: Int64) -> Bool {
    change { $0.judge.heard(redisMilliseconds: redisMilliseconds, at: $1) }
  }

  /// The host's wall clock was read.
  public func saw(hostMilliseconds: Int64) { change { $0.judge.saw(hostMilliseconds: hostMilliseconds, at: $1) } }

  /// The ledger holds this stamp: while Redis has never been heard, time is not before it.
  public func atLeast(ledgerMilliseconds: Int64) { change { $0.judge.atLeast(ledgerMilliseconds: ledgerMilliseconds, at: $1) } }

  /// Takes what the ledger keeps of the time: at a start the line that this boot's processes have left, later one that an operator
  /// accepted through any process.
  public func follow(_ record: ClockRecord?, newestStampMilliseconds newest: Int64) {
    change { state, boot in
      guard let record else { return state.judge.atLeast(ledgerMilliseconds: newest, at: boot) }
      // Stamps of a time that an operator has taken back say nothing.
      state.judge.atLeast(ledgerMilliseconds: newest > record.newestStampAtAccept ? newest : record.line.milliseconds, at: boot)
      guard state.accepts != record.accepts else { return }
      state.accepts = record.accepts
      guard record.boot == HostBoot.id else {
        return state.judge.stayQuiet(untilMilliseconds: record.quietUntilMilliseconds, at: boot)
      }
      state.judge.resume(record.line, quietUntilMilliseconds: record.quietUntilMilliseconds, at: boot)
    }
  }

  /// The record that the ledger may keep now; nil while no clock is believed.
  public func record() -> ClockRecord? {
    change { state, boot in
      guard let line = state.judge.agreedLine(at: boot) else { return nil }
      return ClockRecord(
        boot: HostBoot.id, line: line, quietUntilMilliseconds: state.judge.quietUntilMilliseconds(at: boot) ?? 0,
        accepts: state.accepts ?? 0, newestStampAtAccept: 0)
    }
  }

  /// The record that the ledger keeps once an operator has accepted `milliseconds` as the time.
  public func accepting(_ milliseconds: Int64) -> ClockRecord {
    ClockRecord(
      boot: HostBoot.id, line: ClockJudge.Line(milliseconds: milliseconds, boot: Self.boot),
      quietUntilMilliseconds: milliseconds + ClockJudge.quietAfterJumpMilliseconds, accepts: 0, newestStampAtAccept: 0)
  }

  private func read<T>(_ body: (borrowing ClockJudge, Int64) -> T) -> T { state.withLock { body($0.judge, Self.boot) } }
  private func change<T>(_ body: (inout ClockState, Int64) -> T) -> T { state.withLock { body(&$0, Self.boot) } }

  /// The host's wall clock: no more than one of the clocks that are held against each other.
  public static var hostMilliseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  private static var boot: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// The host's boot, and so the boot-time clock that a line belongs to.
enum HostBoot {
  /// The kernel's id of this boot, with the clock's namespace: a container may have a boot-time clock of its own. Without the kernel's
  /// files an id of this process, so that no line of another is taken.
  static let id: String = {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/time")
    guard let boot else { return UUID().uuidString }
    return boot.trimmingCharacters(in: .whitespacesAndNewlines) + (namespace.map { " " + $0 } ?? "")
  }()
}

/// The time as the ledger keeps it: a restart goes on with it, and every process hears of a time that was accepted.
public struct ClockRecord: Sendable, Equatable {
  /// The boot of the host that the line's boot-time clock belongs to.
  public let boot: String
  /// The time from which a process of the same boot goes on.
  public let line: ClockJudge.Line
  /// Nothing is removed for its age before this instant; 0 when rows may go.
  public let quietUntilMilliseconds: Int64
  /// How often an operator has accepted a time.
  public let accepts: Int64
  /// The ledger's newest stamp at the last time that happened: it may be of a time that was wrong.
  public let newestStampAtAccept: Int64
  /// A record to be kept; `line` must be by the boot-time clock of `boot`.
  public init(boot: String, line: ClockJudge.Line, quietUntilMilliseconds: Int64, accepts: Int64, newestStampAtAccept: Int64) {
    self.boot = boot
    self.line = line
    self.quietUntilMilliseconds = quietUntilMilliseconds
    self.accepts = accepts
    self.newestStampAtAccept = newestStampAtAccept
  }
}
