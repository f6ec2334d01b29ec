/// The log's index (`-shm`), which tells of log and file, in the form that SQLite documents (the WAL-index in "WAL-mode File Format").
struct LogIndex: Sendable, Equatable {
  /// So many bytes of the index are read.
  static let byteCount = 132
  private static let headerBytes = 48
  static let logHeaderBytes = 32
  private static let frameHeaderBytes = 24
  private static let saltsInLog = 16..<24

  /// Frames of the log that count.
  let frames: UInt32
  private let pageBytes: Int64
  /// Drawn anew whenever the log begins anew.
  private let salts: [UInt8]
  /// Frames that have been copied into the file, and those that it was begun with.
  private let copied: UInt32
  private let attempted: UInt32

  /// nil while the header is being written, which its two copies tell.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.byteCount, bytes[..<Self.headerBytes] == bytes[Self.headerBytes..<2 * Self.headerBytes] else { return nil }
    func number(_ offset: Int) -> UInt32 { bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    frames = number(16)
    // 65,536 does not fit into two bytes and is written as 1.
    let size = Int64(bytes[14]) | Int64(bytes[15]) << 8
    pageBytes = size == 1 ? 1 << 16 : size
    salts = Array(bytes[32..<40])
    copied = number(96)
    attempted = number(128)
  }

  /// Whether something may have been copied into the file since `earlier`, or is being copied.
  func hasCopied(since earlier: LogIndex) -> Bool {
    attempted != copied || (salts, copied) != (earlier.salts, earlier.copied)
  }

  /// Whether a log of `size` bytes, which begins with `header`, has the frames that count.
  func describes(logOf size: Int64, header: [UInt8]) -> Bool {
    guard frames > 0 else { return true }
    return size >= Int64(Self.logHeaderBytes) + Int64(frames) * (Int64(Self.frameHeaderBytes) + pageBytes)
      && Array(header[Self.saltsInLog]) == salts
  }
}
