import Synchronization

/// The exports that wait, are made or are sent: so many at most, since each may hold as much of the disk as its account is large.
public final class Exports: Sendable {
  static let max = 64

  /// Where they are kept until they are sent, without a name.
  let folder: String

  /// At most 64 exports at once, whose files are made in `folder`, which must exist.
  public init(folder: String) { self.folder = folder }

  /// The right to one export, until it is let go of.
  final class Permit: Sendable {
    private let exports: Exports
    fileprivate init(_ exports: Exports) { self.exports = exports }
    deinit { exports.count.wrappingSubtract(1, ordering: .relaxed) }
  }

  private let count = Atomic(0)

  /// A permit; nil when all are given.
  func enter() -> Permit? {
    guard count.wrappingAdd(1, ordering: .relaxed).newValue <= Self.max else {
      count.wrappingSubtract(1, ordering: .relaxed)
      return nil
    }
    return Permit(self)
  }
}
