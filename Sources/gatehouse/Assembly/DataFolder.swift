import Foundation

/// The folder that holds all a service keeps: the secret, SQLite, Redis's files, sockets. Its owner's alone.
struct DataFolder: Sendable {
  /// The system bounds the path of a socket.
  static let socketPathBytesMax = 107
  private static let longestSocketName = "ops-4194304.sock"

  let path: String

  /// Opens the folder, making it with mode 0700 if it is new.
  static func makingIfNew(_ path: String) throws(CommandFailure) -> DataFolder {
    if !FileManager.default.fileExists(atPath: path) {
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      } catch { throw CommandFailure("The data folder \(path) can't be made: check the path, and who owns the folder above it.") }
    }
    return try DataFolder(path)
  }

  /// Opens the folder of a service that has run.
  static func existing(_ path: String) throws(CommandFailure) -> DataFolder {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure("There is no data folder \(path): name the service's with --data, or start the service there once.")
    }
    let folder = try DataFolder(path)
    guard FileManager.default.fileExists(atPath: folder.ledger) else {
      throw CommandFailure("\(path) holds no ledger: name the service's data folder with --data, or start the service there once.")
    }
    return folder
  }

  private init(_ path: String) throws(CommandFailure) {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw CommandFailure("The data folder \(path) is no folder: name another with --data.")
    }
    guard access(path, R_OK | W_OK | X_OK) == 0 else {
      let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "user \(status.st_uid)"
      throw CommandFailure("The data folder \(path) is not yours to write: run this as its owner, \(owner).")
    }
    let mode = status.st_mode & 0o777
    guard mode & 0o077 == 0 else {
      throw CommandFailure("The data folder \(path) is open to others (mode \(String(mode, radix: 8))): run chmod 700 \(path).")
    }
    guard path.utf8.count + 1 + Self.longestSocketName.utf8.count <= Self.socketPathBytesMax else {
      throw CommandFailure("The path of the data folder \(path) is too long for sockets in it: use one of at most 90 bytes.")
    }
  }

  var secret: String { path + "/secret" }
  var ledger: String { path + "/gatehouse.sqlite" }
  var redisSocket: String { path + "/redis.sock" }
  var opsSocket: String { path + "/ops-\(ProcessInfo.processInfo.processIdentifier).sock" }
  /// The socket of a command that works on the ledger itself: no other command looks for it.
  var commandSocket: String { path + "/cmd-\(ProcessInfo.processInfo.processIdentifier).sock" }

  /// The ops sockets of processes that run, or did.
  var opsSockets: [String] { sockets("ops-").map(\.path) }

  /// Removes the sockets of processes that are gone: nobody listens there any more.
  func removeStaleSockets() {
    for (path, process) in sockets("ops-") + sockets("cmd-") where Self.isGone(process) && !Self.isListening(path) { unlink(path) }
  }

  private func sockets(_ prefix: String) -> [(path: String, process: Int32)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().compactMap { name in
      guard name.hasPrefix(prefix), name.hasSuffix(".sock") else { return nil }
      return Int32(name.dropFirst(prefix.count).dropLast(5)).map { (path + "/" + name, $0) }
    }
  }

  /// A number that is ours now belonged to someone who is gone: our own sockets are made after this is asked.
  private static func isGone(_ process: Int32) -> Bool {
    process == ProcessInfo.processInfo.processIdentifier || (kill(process, 0) != 0 && errno == ESRCH)
  }

  /// Whether a process accepts connections: one in another container has no number here, but can be reached.
  static func isListening(_ path: String) -> Bool {
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard file >= 0 else { return true }
    defer { close(file) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count <= socketPathBytesMax else { return true }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    return result == 0 || errno != ECONNREFUSED
  }

  /// Takes the folder's lock: shared by the processes that serve, exclusive for a command. nil if it is taken the other way. It is
  /// held until it is closed or the process ends.
  func lock(exclusive: Bool) -> Int32? {
    let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    guard flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 else {
      close(file)
      return nil
    }
    return file
  }

  /// The same, waiting a while for whoever has it.
  func lock(exclusive: Bool, within patience: Duration) async -> Int32? {
    let end = ContinuousClock.now + patience
    while true {
      if let file = lock(exclusive: exclusive) { return file }
      guard ContinuousClock.now < end else { return nil }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }
}
