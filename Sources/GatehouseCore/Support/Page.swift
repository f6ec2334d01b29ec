/// One page of a list, newest first. `next` is where the following page starts, nil at the end.
public struct Page<Item: Sendable>: Sendable {
  public let items: [Item]
  public let next: PageStart?
  public init(items: [Item], next: PageStart?) {
    self.items = items
    self.next = next
  }
}

/// A stable place in a list under inserts: the last instant and id that were shown.
public struct PageStart: Sendable, Equatable {
  public let milliseconds: Int64
  public let id: String
  public init(milliseconds: Int64, id: String) {
    self.milliseconds = milliseconds
    self.id = id
  }
}

/// Which part of a list is asked for: `limit` 1...100 items after `after`.
public struct PageRequest: Sendable, Equatable {
  public static let limitRange = 1...100
  public static let limitDefault = 20
  public let limit: Int
  public let after: PageStart?
  public init(limit: Int = PageRequest.limitDefault, after: PageStart? = nil) {
    self.limit = limit
    self.after = after
  }
}
