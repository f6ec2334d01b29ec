import Files
import Dispatch
import Foundation

/// The folder that holds all a service keeps: the secret, SQLite, Redis's files, sockets. Its owner's alone.
struct DataFolder: Sendable {
  /// The longest path of a socket that SwiftNIO takes; Linux would take four bytes more.
  static let socketPathBytesMax = 103
  /// So that every socket in it has a path of at most `socketPathBytesMax`, whatever the process's number.
  static let pathBytesMax = socketPathBytesMax - 1 - OpsSockets.nameBytesMax

  let path: String

  /// Opens the folder, making it with mode 0700 if it is new. A path that can't be used makes nothing.
  static func makingIfNew(_ given: String) throws(CommandFailure) -> DataFolder {
    let path = try checked(given)
    if mkdir(path, 0o700) != 0, errno != EEXIST {
      let reason = errno
      guard reason != EROFS else { throw Self.readOnly("The data folder \(path) can't be made: it would be") }
      let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
      // A mistyped path must not become a new, empty service.
      guard reason != ENOENT else {
        throw CommandFailure("The data folder \(path) can't be made: there is no \(parent). Correct the path, or make that folder first.")
      }
      throw CommandFailure(
        "The data folder \(path) can't be made (\(String(cString: strerror(reason)))): check the path, and who owns the folder above it.")
    }
    return try DataFolder(path)
  }

  /// Opens the folder of a service that has run.
  static func existing(_ given: String) throws(CommandFailure) -> DataFolder {
    let path = try checked(given)
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure("There is no data folder \(path): name the service's folder with --data, or start the service there once.")
    }
    let folder = try DataFolder(path)
    guard FileManager.default.fileExists(atPath: folder.ledger) else {
      throw CommandFailure("\(path) holds no ledger: name the service's data folder with --data, or start the service there once.")
    }
    return folder
  }

  /// The path that `given` means. Throws a sentence for one that no service can use. Shells leave `~` alone in `--data=~/x`, and so do a configuration and the environment.
  static func checked(_ given: String) throws(CommandFailure) -> String {
    var path = given
    if given.hasPrefix("~") {
      let rest = given.dropFirst().drop { $0 == "/" }
      guard given.hasPrefix("~/"), !rest.isEmpty else {
        throw CommandFailure(
          "The data folder is \(Quoted.text(given)): write a path such as ~/gatehouse, which is in your home folder, or one from /."
        )
      }
      let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
      guard home.hasPrefix("/") else {
        throw CommandFailure(
          "The data folder is \(Quoted.text(given)), but HOME is \(Quoted.text(home)), which is no path from /: write the whole path.")
      }
      path = home + "/" + rest
    }
    // Bytes that are no UTF-8 have become this character, and another folder would be made.
    guard !path.unicodeScalars.contains("\u{FFFD}") else {
      throw CommandFailure("The path of the data folder, \(Quoted.text(path)), is not UTF-8: rename that folder, or name another.")
    }
    guard path.utf8.count <= pathBytesMax else {
      throw CommandFailure(
        "The path of the data folder \(path) has \(path.utf8.count) bytes, too long for sockets in it: use one of at most \(pathBytesMax) bytes."
      )
    }
    return path
  }

  private init(_ path: String) throws(CommandFailure) {
    self.path = path
    guard let status = FileStatus(path), status.kind == .folder else {
      throw CommandFailure("The data folder \(path) is not a folder: name another with --data.")
    }
    guard access(path, R_OK | W_OK | X_OK) == 0 else {
      guard errno != EROFS else { throw Self.readOnly("The data folder \(path) is") }
      throw CommandFailure("The data folder \(path) is not yours to write: run this as its owner, \(status.ownerName).")
    }
    guard !status.isOpenToOthers else {
      throw CommandFailure("The data folder \(path) is open to others (mode \(String(status.mode, radix: 8))): run chmod 700 \(path).")
    }
  }

  let secretName = "secret"
  var secret: String { path + "/" + secretName }
  var ledger: String { path + "/gatehouse.sqlite" }
  var redisSocket: String { path + "/redis.sock" }
  var sockets: OpsSockets { OpsSockets(folder: path) }

  /// Takes the folder's lock: shared by the processes that serve, exclusive for a command. nil if it is taken the other way. It is
  /// held until it is closed or the process ends. Throws why the lock can't be had at all.
  func lock(exclusive: Bool) throws(CommandFailure) -> Int32? {
    let lock = path + "/lock"
    let file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Self.unusable(lock, in: path, errno) }
    while flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      let reason = errno
      close(file)
      if reason == EWOULDBLOCK { return nil }
      throw Self.unusable(lock, in: path, reason)
    }
    return file
  }

  /// Shares a lock that was exclusive, waiting a while for a command that came first. False if it does not end.
  func share(_ file: Int32, within patience: Duration) async -> Bool {
    let end = ContinuousClock.now + patience
    while flock(file, LOCK_SH | LOCK_NB) != 0 {
      guard ContinuousClock.now < end else { return false }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return true
  }

  /// Takes the folder's lock, and waits up to `patience` for a process that has it the other way; nil if that one keeps it. Throws why the
  /// lock can't be had at all.
  func lock(exclusive: Bool, within patience: Duration) async throws(CommandFailure) -> Int32? {
    let end = ContinuousClock.now + patience
    while true {
      if let file = try lock(exclusive: exclusive) { return file }
      guard ContinuousClock.now < end else { return nil }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Why this process can't open the ledger, if the rights of one of its files say so.
  func unusableLedger() -> CommandFailure? {
    ["", "-wal", "-shm", ".turn", ".writer"].lazy.compactMap { unusable(ledger + $0, R_OK | W_OK) }.first
  }

  /// Why this process can't read the secret, if its rights say so.
  func unusableSecret() -> CommandFailure? { unusable(secret, R_OK) }

  private func unusable(_ file: String, _ rights: Int32) -> CommandFailure? {
    access(file, F_OK) == 0 && access(file, rights) != 0 ? Self.unusable(file, in: path, errno) : nil
  }

  /// Why a file in the folder can't be used: mostly since another user ran the service there once.
  static func unusable(_ file: String, in folder: String, _ reason: Int32) -> CommandFailure {
    // After an error of the disk Linux refuses every write, while the folder looks as if it could be written.
    guard reason != EROFS else { return readOnly("\(file) can't be opened: it is") }
    let sentence = "\(file) can't be opened (\(String(cString: strerror(reason))))"
    guard reason == EACCES, let status = FileStatus(file), let above = FileStatus(folder), status.owner != above.owner else {
      return CommandFailure("\(sentence): check its owner, its mode and the disk.")
    }
    return CommandFailure(
      "\(sentence): it belongs to \(status.ownerName), who ran Gatehouse here. As root run chown -R \(above.ownerName) \(folder), and start it as "
        + "\(above.ownerName) from then on.")
  }

  private static func readOnly(_ file: String) -> CommandFailure {
    CommandFailure("\(file) on a file system that can only be read: mount it for writing, or name another folder.")
  }
}
