import Synchronization

/// The exports that wait, are made or are sent: so many at most, since each may hold as much of the disk as its account is large.
public final class Exports: Sendable {
  static let max = 64

  /// Where they are kept until they are sent, without a name.
  let folder: String

  public init(folder: String) { self.folder = folder }

  /// The place of one of them, until it is let go of.
  final class Place: Sendable {
    private let exports: Exports
    fileprivate init(_ exports: Exports) { self.exports = exports }
    deinit { exports.count.wrappingSubtract(1, ordering: .relaxed) }
  }

  private let count = Atomic(0)

  /// A place; nil if there is none.
  func enter() -> Place? {
    guard count.wrappingAdd(1, ordering: .relaxed).newValue <= Self.max else {
      count.wrappingSubtract(1, ordering: .relaxed)
      return nil
    }
    return Place(self)
  }
}
