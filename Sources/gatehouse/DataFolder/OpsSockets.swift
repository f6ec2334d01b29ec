import Files
import Dispatch
import Foundation
import GatehouseCrypto
import Synchronization

/// The sockets in a data folder by which commands reach the processes that serve it.
///
/// A socket is made under a name that nobody looks for and gets its own only once its process listens. So whoever finds one that refuses
/// knows that its process is gone, and two processes of one number, in two containers on one volume, never take each other's.
struct OpsSockets: Sendable {
  /// The longest name: of a process of seven digits, or with seven random characters.
  static let nameBytesMax = "ops-4194304.sock".utf8.count
  private static let randomCharacters = 7
  /// A socket that has not come to its own name by then never will.
  private static let nameless: TimeInterval = 60

  let folder: String

  /// A path for a socket that is not to be found yet.
  var fresh: String { named("new-") }
  /// The socket of a command that works on the ledger itself: no other command looks for it.
  var command: String { named("cmd-") }

  private func named(_ prefix: String) -> String {
    "\(folder)/\(prefix)\(SecureRandom.identifier(length: Self.randomCharacters)).sock"
  }

  /// The sockets of processes that run, or did.
  var all: [String] { paths("ops-") }

  /// Gives a socket that listens at `fresh` the name of this process, or another one if a process of this number listens there.
  /// Returns its path; nil if the folder takes none.
  func publish(_ fresh: String) -> String? {
    let ours = "\(folder)/ops-\(ProcessInfo.processInfo.processIdentifier).sock"
    for path in [ours, ours, named("ops-"), named("ops-")] {
      if link(fresh, path) == 0 {
        unlink(fresh)
        return path
      }
      // A file system without hard links: then nothing but the look keeps two processes of one number apart.
      guard errno == EEXIST else { return access(path, F_OK) != 0 && rename(fresh, path) == 0 ? path : nil }
      removeIfDead(path)
    }
    return nil
  }

  /// Removes the sockets of processes that are gone.
  func removeStale() {
    for path in paths("ops-") { removeIfDead(path) }
    for path in ["new-", "cmd-", "old-"].flatMap(paths) {
      guard let status = FileStatus(ofName: path), Date().timeIntervalSince1970 - TimeInterval(status.writtenSeconds) > Self.nameless else {
        continue
      }
      removeIfDead(path)
    }
  }

  /// Takes the socket away before it is looked at again: another process may have put its own in the place meanwhile, and gets it back.
  private func removeIfDead(_ path: String) {
    guard FileStatus(ofName: path)?.kind == .socket, !Self.isListening(path) else { return }
    let aside = named("old-")
    guard rename(path, aside) == 0 else { return }
    if Self.isListening(aside) { link(aside, path) }
    unlink(aside)
  }

  private func paths(_ prefix: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { $0.hasPrefix(prefix) && $0.hasSuffix(".sock") }.map { "\(folder)/\($0)" }
  }

  /// Whether a process accepts connections there. One that is stopped does, even when it has room for no more.
  static func isListening(_ path: String) -> Bool {
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard file >= 0 else { return true }
    defer { close(file) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count <= DataFolder.socketPathBytesMax else { return true }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    return result == 0 || (errno != ECONNREFUSED && errno != ENOENT)
  }
}

/// The socket of this process, from when it is found until it is removed.
final class OwnSocket: Sendable {
  private struct Place: Sendable {
    let path: String
    let inode: UInt64
  }

  let fresh: String
  private let sockets: OpsSockets
  private let place = Mutex<Place?>(nil)

  init(_ sockets: OpsSockets) {
    self.sockets = sockets
    fresh = sockets.fresh
  }

  /// Gives it its name. Returns its path.
  func publish() -> String? {
    guard let path = sockets.publish(fresh), let inode = Self.inode(path) else { return nil }
    place.withLock { $0 = Place(path: path, inode: inode) }
    return path
  }

  /// Removes it, unless another process has its name by now.
  func remove() {
    unlink(fresh)
    guard let place = place.withLock({ $0 }), Self.inode(place.path) == place.inode else { return }
    unlink(place.path)
  }

  private static func inode(_ path: String) -> UInt64? { FileStatus(ofName: path)?.inode }
}
