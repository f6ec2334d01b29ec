/// One page of a list, newest first. `next` is where the following page starts, nil at the end.
public struct Page<Item: Sendable>: Sendable {
  /// The items of this page, at most as many as were asked for.
  public let items: [Item]
  /// The place after which the following page begins; nil at the end of the list.
  public let next: PageStart?
  /// A page; `next` must be of its last item, or nil.
  public init(items: [Item], next: PageStart?) {
    self.items = items
    self.next = next
  }
}

/// A stable place in a list under inserts: the last instant and id that were shown.
public struct PageStart: Sendable, Equatable {
  /// The instant by which the list is in order, of the last item that was shown; of a list in order of numbers, its number.
  public let milliseconds: Int64
  /// The item's id, which tells items of one instant apart; empty where a number already does.
  public let id: String
  /// A place; it need not be one of an item that is still there.
  public init(milliseconds: Int64, id: String) {
    self.milliseconds = milliseconds
    self.id = id
  }
}

/// Which part of a list is asked for: `limit` 1...100 items after `after`.
public struct PageRequest: Sendable, Equatable {
  /// How many items a page may be asked for.
  public static let limitRange = 1...100
  /// The items of a page that is asked for without a number.
  public static let limitDefault = 20
  /// Items at most, in `limitRange`.
  public let limit: Int
  /// The place after which the page begins; nil for the first page.
  public let after: PageStart?
  /// A request; `limit` must be in `limitRange`, which is not checked here.
  public init(limit: Int = PageRequest.limitDefault, after: PageStart? = nil) {
    self.limit = limit
    self.after = after
  }
}
