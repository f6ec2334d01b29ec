/// The parts of a reply that hiredis has met, in its order: arrays before their elements. Bounded in entries and in the elements of one array.
final class ReplyTape {
  private enum Entry {
    case array(count: Int)
    case leaf(RedisReply)
  }

  private let elementsMax: Int
  private let entriesMax: Int
  private var entries: [Entry] = []

  init(elementsMax: Int, entriesMax: Int) {
    self.elementsMax = elementsMax
    self.entriesMax = entriesMax
  }

  /// False when the bounds refuse it.
  func putArray(count: Int) -> Bool { count >= 0 && count <= elementsMax && put(.array(count: count)) }

  /// False when the bounds refuse it.
  func putLeaf(_ reply: RedisReply) -> Bool { put(.leaf(reply)) }

  /// The whole reply, taken off the tape; nil if it isn't whole.
  func take() -> RedisReply? {
    var at = 0
    let reply = build(&at)
    entries.removeAll(keepingCapacity: true)
    return reply
  }

  private func put(_ entry: Entry) -> Bool {
    guard entries.count < entriesMax else { return false }
    entries.append(entry)
    return true
  }

  // hiredis nests at most seven deep, so this recursion is bounded.
  private func build(_ at: inout Int) -> RedisReply? {
    guard at < entries.count else { return nil }
    let entry = entries[at]
    at += 1
    switch entry {
    case .leaf(let reply): return reply
    case .array(let count):
      var items: [RedisReply] = []
      items.reserveCapacity(count)
      for _ in 0..<count {
        guard let item = build(&at) else { return nil }
        items.append(item)
      }
      return .array(items)
    }
  }
}
