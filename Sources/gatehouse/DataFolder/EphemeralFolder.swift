import Files
import Dispatch
import Foundation

/// A folder below the system's temporary one that nobody needs once its process is gone.
///
/// A file in it is locked for as long as the process lives; the kernel lets go of it in any case. So a folder whose file can be locked is of
/// a process that was killed.
struct EphemeralFolder: Sendable {
  private static let prefix = "gatehouse-"
  private static let mark = "ephemeral"

  let path: String
  private let lock: Int32

  /// Makes a folder, after those of processes that are gone are removed.
  static func make() throws(CommandFailure) -> EphemeralFolder {
    let above = FileManager.default.temporaryDirectory.path
    clear(above)
    let path = above + "/" + prefix + UUID().uuidString
    _ = try DataFolder.makingIfNew(path)
    // Locked before it has its name: else another start could find it free.
    let file = open("\(path)/\(mark).new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0, rename("\(path)/\(mark).new", "\(path)/\(mark)") == 0 else {
      throw CommandFailure("The temporary folder \(path) can't be used (\(String(cString: strerror(errno)))): check TMPDIR and the disk.")
    }
    return EphemeralFolder(path: path, lock: file)
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
    close(lock)
  }

  private static func clear(_ above: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: above)) ?? [] where name.hasPrefix(prefix) {
      let file = open("\(above)/\(name)/\(mark)", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
      guard file >= 0 else { continue }
      defer { close(file) }
      guard FileStatus(descriptor: file)?.owner == geteuid(), flock(file, LOCK_EX | LOCK_NB) == 0 else { continue }
      try? FileManager.default.removeItem(atPath: "\(above)/\(name)")
    }
  }
}
