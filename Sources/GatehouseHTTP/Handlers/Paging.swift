import Foundation
import GatehouseCore
import GatehouseCrypto
import StrictJSON

/// A list that is given in pages. Its cursors are good for it alone: its name is part of what is signed, and what a cursor holds is a
/// place of the list's own kind.
struct PagedList<Place: CursorPlace>: Sendable {
  fileprivate let name: String
}

/// Where a page begins, as a cursor spells it.
protocol CursorPlace: Sendable {
  var text: String { get }
  init?(text: String)
}

extension PageStart: CursorPlace {
  var text: String { "\(milliseconds)-\(id)" }

  init?(text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, let milliseconds = Int64(parts[0]) else { return nil }
    self.init(milliseconds: milliseconds, id: String(parts[1]))
  }
}

/// A place in the feed: the number of the last event that was given.
struct FeedPlace: CursorPlace {
  let number: Int64

  init(number: Int64) { self.number = number }

  // Spelled as it ever was: a backend keeps its place for as long as it pleases.
  var text: String { "\(number)-" }

  init?(text: String) {
    guard text.hasSuffix("-"), let number = Int64(text.dropLast()) else { return nil }
    self.number = number
  }
}

extension PagedList<PageStart> {
  /// All users, as operators see them.
  static var users: Self { Self(name: "users") }
  /// A user's sessions, as they see them: the current one first.
  static func devices(of user: UserID?) -> Self { Self(name: "devices \(user?.text ?? "")") }
  /// A user's sessions, as a backend sees them.
  static func sessions(of user: UserID) -> Self { Self(name: "sessions \(user)") }
  static func analyses(of user: UserID?) -> Self { Self(name: "analyses \(user?.text ?? "")") }
  static func usageEvents(of user: UserID?) -> Self { Self(name: "usage_events \(user?.text ?? "")") }
}

extension PagedList<FeedPlace> {
  static var feed: Self { Self(name: "events") }
}

extension API {
  /// `limit` and `cursor` of a list.
  func pageRequest(_ query: QueryReader, _ list: PagedList<PageStart>) throws -> PageRequest {
    let (limit, after) = try page(query, list)
    return PageRequest(limit: limit, after: after)
  }

  /// `limit` of a list, and the place that `cursor` names; nil for the first page. Throws 400 `invalid_cursor` for a cursor of another
  /// list.
  func page<Place>(_ query: QueryReader, _ list: PagedList<Place>) throws -> (limit: Int, after: Place?) {
    let declared = PageQuery.declared.fields
    let limit = try query.read(declared.limit)
    guard let text = query[declared.cursor] else { return (limit, nil) }
    guard let place = readCursor(text, list) else {
      throw Problem(.invalidCursor, "The cursor is not one of this list. Start again without it.")
    }
    return (limit, place)
  }

  /// The opaque text of a place in a list; signed, so that nobody makes one up.
  func cursor<Place>(_ place: Place?, _ list: PagedList<Place>) -> String? {
    place.map { place in
      Data("\(place.text)-\(Self.cursorSignature(place.text, list.name, secret.key(.cursors)))".utf8).base64EncodedString()
        .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
  }

  private static var cursorBytesMax: Int { 200 }

  private func readCursor<Place>(_ text: String, _ list: PagedList<Place>) -> Place? {
    var spelled = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    spelled += String(repeating: "=", count: (4 - spelled.count % 4) % 4)
    guard text.utf8.count <= Self.cursorBytesMax, let bytes = Data(base64Encoded: spelled) else { return nil }
    let whole = String(decoding: bytes, as: UTF8.self)
    guard let last = whole.lastIndex(of: "-") else { return nil }
    let place = String(whole[..<last])
    let signature = whole[whole.index(after: last)...]
    guard secret.keys(.cursors).contains(where: { Self.cursorSignature(place, list.name, $0) == signature }) else { return nil }
    return Place(text: place)
  }

  private static func cursorSignature(_ text: String, _ list: String, _ key: MacKey) -> String {
    key.hmac(Array("\(list) \(text)".utf8)).prefix(6).map { String($0, radix: 16) }.joined()
  }
}
