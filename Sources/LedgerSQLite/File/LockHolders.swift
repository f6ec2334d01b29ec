import Files
import Foundation

/// The programs that hold locks on a file, as Linux tells them in `/proc/locks`. For a line of the log: it is out of date when it is read,
/// and says nothing of programs in other containers.
struct LockHolders {
  struct Holder: Hashable, CustomStringConvertible {
    let process: pid_t
    /// The program's name, cut to 15 bytes by Linux; `?` for one that has ended.
    let program: String
    var description: String { "\(program) (pid \(process))" }
  }

  /// Which locks are meant.
  enum Lock {
    /// The whole file, by `flock`.
    case wholeFile
    /// These bytes, by `fcntl`, to read or to write.
    case bytes(ClosedRange<Int>, isWriting: Bool)

    /// The reading marks of SQLite's log, which stand in the ledger's `-shm` file.
    static let readsLog = Lock.bytes(123...127, isWriting: false)
    /// The right to write to SQLite's log.
    static let writesLog = Lock.bytes(120...120, isWriting: true)
  }

  /// The holders of `lock` on the file at `path`, without those that wait for it. This opens no file of SQLite's, which would take its
  /// own locks away when it is closed.
  static func of(_ path: String, _ lock: Lock) -> [Holder] {
    guard let status = FileStatus(path), let table = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else { return [] }
    let processes = Set(table.split(separator: "\n").compactMap { process(in: $0, inode: status.inode, lock) })
    return processes.sorted().map { Holder(process: $0, program: program($0)) }
  }

  /// Reads a line such as `7: POSIX  ADVISORY  READ 4711 08:01:131074 123 124`. Devices are not compared: some file systems tell
  /// another here than to `stat`.
  static func process(in line: Substring, inode: UInt64, _ lock: Lock) -> pid_t? {
    let words = line.split(separator: " ")
    guard words.count == 8, let process = pid_t(words[4]), process > 0 else { return nil }
    guard let found = words[5].split(separator: ":").last.flatMap({ UInt64($0) }), found == inode else { return nil }
    switch lock {
    case .wholeFile: return words[1] == "FLOCK" ? process : nil
    case .bytes(let bytes, let isWriting):
      guard words[1] == "POSIX", (words[3] == "WRITE") == isWriting, let first = Int(words[6]) else { return nil }
      let last = words[7] == "EOF" ? Int.max : Int(words[7]) ?? first
      return first <= bytes.upperBound && last >= bytes.lowerBound ? process : nil
    }
  }

  private static func program(_ process: pid_t) -> String {
    let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    return name.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) } ?? "?"
  }
}
