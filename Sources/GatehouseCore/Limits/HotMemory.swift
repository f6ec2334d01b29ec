import Synchronization

/// Whether Redis may forget counters before their time, because it is set to evict keys when its memory is full.
public final class HotMemory: Sendable {
  private let forgets = Atomic(false)

  /// A memory that is believed to keep its counters until it is told otherwise.
  public init() {}

  /// Then every count outside a user's own slot is kept in this process as well, and the stricter of the two decides.
  public var mayForget: Bool {
    get { forgets.load(ordering: .relaxed) }
    set { forgets.store(newValue, ordering: .relaxed) }
  }
}
