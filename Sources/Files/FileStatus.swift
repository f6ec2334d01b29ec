import Glibc

/// The facts that the system keeps of a file, as they were at one moment. A target of its own: which module declares the fields of `stat` depends on
/// the others that a target imports.
public struct FileStatus: Sendable {
  /// The kinds that are told apart.
  public enum Kind: Sendable { case regular, folder, socket, pipe, other }

  /// The kind of thing that the name or descriptor stands for.
  public let kind: Kind
  /// The rights of owner, group and others, nine bits.
  public let mode: Int
  /// The id of the user that the file belongs to.
  public let owner: UInt32
  /// The device and number that tell the file from all others of the machine.
  public let device: UInt64, inode: UInt64
  /// Its length.
  public let bytes: Int64
  /// When it was written last, by the system's clock since 1970.
  public let writtenSeconds: Int, writtenNanoseconds: Int

  /// The file that a path leads to; nil if there is none, or it can't be asked for (`errno` says why).
  public init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The file that has this name, a link itself; nil as for a path.
  public init?(ofName path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The file of an open descriptor; nil if it is none.
  public init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .folder
      case S_IFSOCK: .socket
      case S_IFIFO: .pipe
      default: .other
      }
    mode = Int(status.st_mode & 0o777)
    owner = status.st_uid
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    bytes = Int64(status.st_size)
    writtenSeconds = status.st_mtim.tv_sec
    writtenNanoseconds = status.st_mtim.tv_nsec
  }

  /// Whether others than the owner have any right to it.
  public var isOpenToOthers: Bool { mode & 0o077 != 0 }
  /// The name of its owner; `user 1000` if the system has none.
  public var ownerName: String { getpwuid(owner).map { String(cString: $0.pointee.pw_name) } ?? "user \(owner)" }
}
