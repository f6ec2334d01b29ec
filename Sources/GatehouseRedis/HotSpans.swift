import GatehouseCore

/// How long things last in Redis, in milliseconds. They are said here alone: the scripts that need them begin with `prelude`.
enum HotSpans {
  /// A warm hash lives this long after its last touch.
  static let hash = Day.milliseconds
  /// A ticket to make a cold hash anew is good for this long.
  static let ticket: Int64 = 10_000
  /// The counter of drops lives this long after the last one.
  static let counter = Day.milliseconds
  /// A reservation lives at most this long in Redis, however long its lease is: the ledger keeps the lease.
  static let holdMax: Int64 = 60_000

  /// The names that the scripts use. `SPAN_MS` is how far Redis's clock may be from that of a caller of the gate.
  static let prelude = """
    local HASH_MS, TICKET_MS, COUNTER_MS = \(hash), \(ticket), \(counter)
    local TOUCH_MS, SPAN_MS = \(SessionTimeouts.touchMillisecondsMax), \(ClockJudge.stepMaxMilliseconds)

    """
}
