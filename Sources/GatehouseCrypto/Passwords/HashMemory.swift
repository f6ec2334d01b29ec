import Foundation
import Synchronization

/// The memory of the hashes that are computed now: all together never more than the process may have. The bounds of a host and of control
/// groups kill rather than refuse, so they are asked before each hash.
final class HashMemory: Sendable {
  /// The memory that the process needs beside the hashes.
  static let spareBytes = 64 << 20
  /// A hash of less is not counted: it comes out of the spare memory.
  static let smallBytes = 1 << 20

  /// The memory of this process.
  static let shared: HashMemory = {
    let groups = ControlGroups { try? String(contentsOfFile: $0, encoding: .utf8) }
    let host = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    return HashMemory { min(host, groups.memoryBytesMax() ?? host) }
  }()

  private let taken = Mutex(0)
  private let bytesMax: @Sendable () -> Int

  /// - Parameter bytesMax: the memory that the process may have now.
  init(bytesMax: @escaping @Sendable () -> Int) { self.bytesMax = bytesMax }

  /// Whether so many bytes may be had beside the spare ones, if no hash is computed.
  func mayHold(_ bytes: Int) -> Bool { bytes <= bytesMax() - Self.spareBytes }

  /// Does work that takes so many bytes. Throws without having begun where those of all hashes together may not be had now.
  func during<T>(_ bytes: Int, _ work: () throws(PasswordHash.NoMemory) -> T) throws(PasswordHash.NoMemory) -> T {
    guard bytes >= Self.smallBytes else { return try work() }
    let bytesMax = bytesMax()
    let isTaken = taken.withLock { taken in
      guard bytes <= bytesMax - Self.spareBytes - taken else { return false }
      taken += bytes
      return true
    }
    guard isTaken else { throw PasswordHash.NoMemory() }
    defer { taken.withLock { $0 -= bytes } }
    return try work()
  }
}

extension Argon2Parameters {
  /// Whether `threads` hashes at once can have their memory. The system is asked for all of it, which is given back untouched; and it must
  /// be less than the host or a control group has, since those kill rather than refuse. Reads a few files of the system.
  public func fits(threads: Int) -> Bool {
    let (bytes, overflow) = memoryBytes.multipliedReportingOverflow(by: threads)
    guard !overflow, HashMemory.shared.mayHold(bytes) else { return false }
    let wanted = bytes + HashMemory.spareBytes
    guard let place = mmap(nil, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), place != MAP_FAILED else {
      return false
    }
    munmap(place, wanted)
    return true
  }

  var memoryBytes: Int { memoryKiB << 10 }
}
