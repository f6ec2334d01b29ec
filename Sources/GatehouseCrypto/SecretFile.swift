import Files
import Foundation

extension ServerSecret {
  /// Why a secret file can't be used, in a sentence that says what to do.
  public struct Failure: Error, CustomStringConvertible, Sendable {
    /// A sentence for a terminal or a log that says what to do; it names the file and never a key.
    public let description: String
    /// A failure that this sentence explains.
    public init(_ description: String) { self.description = description }
  }

  /// The cost of another secret in place of a lost one, as the end of a sentence.
  public static let costOfAnother =
    "then every session ends and its user logs in again, a call that is repeated with its Idempotency-Key gets 422, and lists that are "
    + "being read start again"

  /// Reads the secret file at `path`, or makes it with mode 0600, whole or not at all. Of several processes that start at once, one
  /// makes it and all read the same.
  ///
  /// `SecretText` has its form.
  /// - Parameter beforeCreating: asked before a secret is made; what it throws leaves none behind.
  public static func loadOrCreate(path: String, beforeCreating: () throws(Failure) -> Void = {}) throws(Failure) -> ServerSecret {
    if access(path, F_OK) != 0, errno == ENOENT {
      try beforeCreating()
      try create(path: path)
    }
    return try load(path: path)
  }

  /// Reads the secret file at `path`; nothing is made if it is missing.
  public static func load(path: String) throws(Failure) -> ServerSecret {
    let text = SecretText(try read(path: path))
    if let fault = text.faults.first, !text.roots.isEmpty || text.isOfAnotherForm {
      let faults = text.faults.dropFirst().reduce(fault) { $0 + "; " + $1 }
      throw Failure("The secret file \(path) can't be used: \(faults). Correct that by hand, or restore the file from a backup.")
    }
    guard let newest = text.roots.first else {
      let fault = text.faults.first.map { " (\($0))" } ?? ""
      throw Failure(
        "The secret file \(path) holds no line that can be read\(fault): restore it from a backup. If there is none, move it away and start "
          + "the server once with --new-secret: \(costOfAnother).")
    }
    return ServerSecret(newest: newest, older: Array(text.roots.dropFirst()))
  }

  private static func read(path: String) throws(Failure) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw Failure("The secret file \(path) can't be opened (\(systemError())): check its owner.") }
    defer { close(file) }
    guard let status = FileStatus(descriptor: file), status.kind == .regular else {
      throw Failure("The secret \(path) is not a regular file: move it away.")
    }
    guard !status.isOpenToOthers else {
      let mode = String(status.mode, radix: 8)
      throw Failure("The secret file \(path) is open to other users (mode \(mode)): run chmod 600 on it.")
    }
    var bytes = [UInt8](repeating: 0, count: SecretText.bytesMax + 1)
    var length = 0
    while length < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress?.advanced(by: length), $0.count - length) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure("The secret file \(path) can't be read (\(systemError())): check the disk.") }
      if count == 0 { break }
      length += count
    }
    return Array(bytes.prefix(length))
  }

  private static func create(path: String) throws(Failure) {
    let root = Root.random()
    let text = Array("\(SecretText.header)\n\(root.id) \(Hexadecimal.encode(root.bytes))\n".utf8)
    let draft = "\(path).\(SecureRandom.identifier(length: 14))"
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw unwritable(path) }
    defer { unlink(draft) }
    let whole = fchmod(file, 0o600) == 0 && write(file, text, text.count) == text.count && fsync(file) == 0
    let failure = whole ? nil : unwritable(path)
    close(file)
    if let failure { throw failure }
    // A link, unlike a rename, fails when another process was first; its secret is then everybody's.
    guard link(draft, path) == 0 || errno == EEXIST else { throw unwritable(path) }
    try syncFolder(of: path)
  }

  /// Tokens signed with a secret that a power cut takes back would all be forged ones afterwards.
  private static func syncFolder(of path: String) throws(Failure) {
    let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    let file = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw unwritable(path) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw unwritable(path) }
  }

  private static func unwritable(_ path: String) -> Failure {
    Failure("The secret file \(path) can't be written (\(systemError())): check the folder's owner and the free space.")
  }

  private static func systemError() -> String { String(cString: strerror(errno)) }
}
