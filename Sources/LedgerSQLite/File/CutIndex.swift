import CSQLite

/// The end of a process under which the index of a ledger's log (`-shm`) is cut: SQLite maps it into memory.
public enum CutIndex {
  /// Ends the process in that case with `status`, and with `line` on standard error. Nothing that was acknowledged is lost by that: the next
  /// start makes the index anew from the log. Set once, before the ledger is opened; false if it can't be.
  /// - Parameters:
  ///   - line: with its line feed.
  ///   - stamp: where in it 24 bytes take the time, such as `2026-11-30T11:09:54.659Z`.
  public static func endsProcess(_ line: [UInt8], stamp: Int, status: Int32) -> Bool {
    line.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      return gatehouse_end_when_cut(start.assumingMemoryBound(to: CChar.self), bytes.count, stamp, status) == 0
    }
  }
}
