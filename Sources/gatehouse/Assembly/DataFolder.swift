import Foundation

/// The folder that holds all a service keeps: the secret, SQLite, Redis's files, sockets. Its owner's alone.
struct DataFolder: Sendable {
  let path: String

  /// A sentence that says what is wrong with the folder.
  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Opens the folder, making it with mode 0700 if it is new.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch { throw Failure(description: "The data folder \(path) can't be made: check the path and its owner.") }
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
    guard mode & 0o077 == 0 else {
      throw Failure(description: "The data folder \(path) is open to others (mode \(String(mode, radix: 8))): run chmod 700 on it.")
    }
  }

  var secret: String { path + "/secret" }
  var ledger: String { path + "/gatehouse.sqlite" }
  var redisSocket: String { path + "/redis.sock" }
  var opsSocket: String { path + "/ops-\(ProcessInfo.processInfo.processIdentifier).sock" }

  /// The ops sockets of processes that run, or did.
  var opsSockets: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasPrefix("ops-") && $0.hasSuffix(".sock") }.sorted().map { path + "/" + $0 }
  }

  /// Takes the folder's lock: shared by the processes that serve, exclusive for a command. nil if it is taken the other way. It is
  /// held until the process ends.
  func lock(exclusive: Bool) -> Int32? {
    let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    guard flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 else {
      close(file)
      return nil
    }
    return file
  }
}
