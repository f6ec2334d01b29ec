import Files
import Foundation
import GatehouseLedger

/// A ledger that is about to be made where there is none, and the signs in its folder that there was one.
///
/// SQLite makes a file that is missing or empty, and removes its log. So a ledger that was lost, or a restore that failed, would become an
/// empty service, and the log with what was committed last would be gone too. Therefore a ledger is made only where nothing tells of an
/// earlier one, or where the operator accepts that. For the thread that has the turnstile.
struct NewLedger {
  /// How far the making of a ledger got, in the file of the turnstile's first lock.
  private enum Mark: String, CaseIterable {
    /// It was begun: what it leaves if it is cut short tells of no earlier ledger.
    case making = "ledger making\n"
    case made = "ledger made  \n"
  }

  private static let databaseHeader = Data("SQLite format 3\0".utf8)

  private let path: String
  private let companions: [String]
  private let isAccepted: Bool
  private(set) var hasBegun = false

  /// - Parameters:
  ///   - path: of the file.
  ///   - companions: names in its folder of what is made only after a ledger.
  ///   - isAccepted: whether the operator wants one though there was one.
  init(_ path: String, companions: [String], isAccepted: Bool) {
    self.path = path
    self.companions = companions
    self.isAccepted = isAccepted
  }

  /// Whether the file is missing or holds nothing. Asked before SQLite opens it, which would write into its log. A file whose log holds
  /// something is not looked into: it may be open here, and closing another handle of it would drop the locks.
  var isDue: Bool {
    guard !isMissingOrEmpty else { return true }
    return (FileStatus(path + "-wal")?.bytes ?? 0) == 0 && holdsNoTables
  }

  private var isMissingOrEmpty: Bool { (FileStatus(path)?.bytes ?? 0) == 0 }

  /// Whether the file is a database whose first page, the leaf that lists its tables, has no cell.
  private var holdsNoTables: Bool {
    guard let file = FileHandle(forReadingAtPath: path), let start = try? file.read(upToCount: 105), start.count == 105 else {
      return false
    }
    return start.starts(with: Self.databaseHeader) && start[100] == 0x0d && start[103] == 0 && start[104] == 0
  }

  /// Before a ledger is made. Throws `internal` with what shows that there was one.
  mutating func begin() throws(LedgerFailure) {
    guard !hasBegun else { return }
    let mark = mark()
    let signs = try signs(mark)
    guard signs.isEmpty || isAccepted else { throw refusal(signs) }
    if mark != .making {
      if isDue { try setLogAside() }
      try write(.making)
    }
    hasBegun = true
  }

  /// Once a ledger is open, made or found.
  func end() throws(LedgerFailure) {
    guard hasBegun || !isAccepted else {
      throw LedgerFailure(.internal("--new-ledger is for a ledger that is lost, and this one is there: leave the flag out"))
    }
    if mark() != .made { try write(.made) }
  }

  /// The things in the folder that tell of an earlier ledger, for a sentence.
  private func signs(_ mark: Mark?) throws(LedgerFailure) -> [String] {
    let whole = URL(fileURLWithPath: path)
    let (folder, base) = (whole.deletingLastPathComponent().path, whole.lastPathComponent)
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
      throw LedgerFailure(.internal("its folder can't be listed: check its owner and its mode"))
    }
    // A ledger whose making was cut short leaves itself and its log.
    let ofMaking = mark == .making ? ["", "-wal", "-shm", "-journal"].map { base + $0 } : []
    return names.filter { name in
      if ofMaking.contains(name) { return false }
      switch name {
      case base + ".turn": return mark == .made
      case base + ".writer": return false
      case base + "-wal", base + "-shm": return (FileStatus(folder + "/" + name)?.bytes ?? 1) > 0
      default: break
      }
      return name.hasPrefix(base) || companions.contains { name == $0 || name.hasPrefix($0 + ".") } || isDatabase(folder + "/" + name)
    }
  }

  /// Whether a file of another name is a database: a ledger that was moved, or a backup.
  private func isDatabase(_ path: String) -> Bool {
    guard let status = FileStatus(path), status.kind == .regular, let file = FileHandle(forReadingAtPath: path) else { return false }
    let start = try? file.read(upToCount: Self.databaseHeader.count)
    return start == Self.databaseHeader
  }

  private func refusal(_ signs: [String]) -> LedgerFailure {
    let state = FileStatus(path) == nil ? "it is missing" : isMissingOrEmpty ? "it is empty" : "it holds an empty database"
    let others = signs.filter { !path.hasSuffix("/" + $0) }
    let shown = others.prefix(5).joined(separator: ", ") + (others.count > 5 ? " and others" : "")
    let tell = others.isEmpty ? "nobody has made a ledger of it" : "the folder shows that there was one (\(shown))"
    return LedgerFailure(
      .internal(
        """
        \(state), and \(tell). Nothing has been changed. Put the ledger back, the file and its log together, or restore a backup. \
        To begin anew without them, start the server once with --new-ledger: then there are no users, sessions and service keys, and a log \
        that is there is kept under another name
        """))
  }

  /// Renames a log that SQLite would remove, and its index.
  private func setLogAside() throws(LedgerFailure) {
    let ending = ".of-lost-ledger-\(UUID().uuidString.prefix(8).lowercased())"
    for part in ["-wal", "-shm"] where (FileStatus(path + part)?.bytes ?? 0) > 0 {
      guard rename(path + part, path + part + ending) == 0 else {
        throw LedgerFailure(.internal("\(path + part) can't be renamed (\(String(cString: strerror(errno)))): move it away"))
      }
    }
  }

  private var markPath: String { path + ".turn" }

  private func mark() -> Mark? {
    guard let file = FileHandle(forReadingAtPath: markPath), let text = try? file.readToEnd() else { return nil }
    return Mark(rawValue: String(decoding: text, as: UTF8.self))
  }

  /// Each text has the same length, so that one takes the other's place whole.
  private func write(_ mark: Mark) throws(LedgerFailure) {
    do {
      guard let file = FileHandle(forWritingAtPath: markPath) else { throw LedgerFailure(.internal("\(markPath) can't be opened")) }
      try file.write(contentsOf: Data(mark.rawValue.utf8))
      try file.synchronize()
    } catch {
      throw error as? LedgerFailure ?? LedgerFailure(.internal("\(markPath) can't be written: check the disk and its free space"))
    }
  }
}
