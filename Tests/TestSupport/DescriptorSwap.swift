import Foundation

/// Puts another file under the descriptors that this process has open on one file: the faults of a disk, with no seam in the product.
public struct DescriptorSwap {
  public struct Failed: Error { public let errno: Int32 }

  private let descriptors: [(open: Int32, saved: Int32)]

  /// - Parameter path: as the kernel names the open file.
  public init(of path: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let open = names.compactMap(Int32.init).filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
    }
    guard !open.isEmpty else { throw Failed(errno: ENOENT) }
    descriptors = try open.map { descriptor in
      let saved = dup(descriptor)
      guard saved >= 0 else { throw Failed(errno: errno) }
      return (descriptor, saved)
    }
  }

  /// Every read and write of the file goes to another from now on.
  public func replace(by path: String, _ flags: Int32) throws {
    let other = open(path, flags)
    guard other >= 0 else { throw Failed(errno: errno) }
    defer { close(other) }
    for descriptor in descriptors {
      guard dup2(other, descriptor.open) >= 0 else { throw Failed(errno: errno) }
    }
  }

  public func restore() throws {
    for descriptor in descriptors {
      guard dup2(descriptor.saved, descriptor.open) >= 0 else { throw Failed(errno: errno) }
      close(descriptor.saved)
    }
  }
}
