import Dispatch
import Foundation
import GatehouseCore
import NIOCore

/// A file without a name, for an answer that is made faster than its client takes it: what has been written costs neither memory nor a
/// transaction while it is sent. The system frees it when the process ends, however it does.
///
/// Written by one thread, then read.
final class Spool: @unchecked Sendable {
  // Invariant: `count` is changed only by the thread that writes, before anybody reads.
  private let file: Int32
  private(set) var count = 0

  /// Makes one in `folder`. Throws `unavailable`.
  init(in folder: String) throws(ServiceError) {
    var path = Array((folder + "/spool-XXXXXX").utf8CString)
    file = mkstemp(&path)
    guard file >= 0 else { throw Self.failure }
    unlink(path)
    // No child may hold it.
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
  }

  deinit { close(file) }

  /// Appends all of `bytes`. Blocks. Throws `unavailable` when there is no room.
  func append(_ bytes: [UInt8]) throws(ServiceError) {
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress?.advanced(by: done), bytes.count - done, off_t(count)) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw Self.failure }
      done += written
      count += written
    }
  }

  /// Up to `length` bytes from `offset` on; none at the end. They are read on a thread that all spools share, one piece at a time: many
  /// clients of large answers take no more than that from those who ask for small ones.
  func piece(from offset: Int, length: Int) async throws(ServiceError) -> ByteBuffer {
    let piece = await withCheckedContinuation { continuation in
      Self.reading.async {
        continuation.resume(returning: Result { () throws(ServiceError) in try self.read(from: offset, length: length) })
      }
    }
    return try piece.get()
  }

  private func read(from offset: Int, length: Int) throws(ServiceError) -> ByteBuffer {
    var piece = ByteBuffer()
    while true {
      var result = 0
      piece.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
        result = pread(file, bytes.baseAddress, min(length, bytes.count), off_t(offset))
        return max(0, result)
      }
      if result >= 0 { return piece }
      guard errno == EINTR else { throw Self.failure }
    }
  }

  private static let reading = DispatchQueue(label: "gatehouse.spool")

  private static var failure: ServiceError {
    ServiceError(.unavailable, "There is no room on the disk to prepare this. Nothing was changed: try again later.")
  }
}
