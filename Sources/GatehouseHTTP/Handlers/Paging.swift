import Foundation
import GatehouseCore
import StrictJSON

extension QueryReader {
  /// An instant or a date, nil when absent. Throws 422 `invalid_fields`.
  func instant(_ name: String) throws -> Int64? {
    guard let text = self[name] else { return nil }
    guard let value = Instants.parse(text) ?? Instants.parseDate(text) else {
      throw refusal(name, code: "invalid_instant", "Use an instant such as 2026-11-23T14:00:00Z.")
    }
    return value
  }
}

extension API {
  /// `limit` and `cursor` of a list.
  func pageRequest(_ query: QueryReader, list: String) throws -> PageRequest {
    let limit = try query.int("limit", in: PageRequest.limitRange, default: PageRequest.limitDefault)
    guard let text = query["cursor"] else { return PageRequest(limit: limit) }
    guard let start = readCursor(text, list: list) else {
      throw Problem(.invalidCursor, "The cursor is not one of this list. Start again without it.")
    }
    return PageRequest(limit: limit, after: start)
  }

  /// The opaque text of a place in a list; signed, so that nobody makes one up.
  func cursor(_ start: PageStart?, list: String) -> String? {
    start.map { start in
      let text = "\(start.milliseconds)-\(start.id)"
      return Data("\(text)-\(cursorSignature(text, list))".utf8).base64EncodedString()
        .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
  }

  private static var cursorBytesMax: Int { 200 }

  private func readCursor(_ text: String, list: String) -> PageStart? {
    var spelled = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    spelled += String(repeating: "=", count: (4 - spelled.count % 4) % 4)
    guard text.utf8.count <= Self.cursorBytesMax, let bytes = Data(base64Encoded: spelled) else { return nil }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let milliseconds = Int64(parts[0]), cursorSignature("\(parts[0])-\(parts[1])", list) == parts[2] else {
      return nil
    }
    return PageStart(milliseconds: milliseconds, id: parts[1])
  }

  private func cursorSignature(_ text: String, _ list: String) -> String {
    secret.key(.cursors).hmac(Array("\(list) \(text)".utf8)).prefix(6).map { String($0, radix: 16) }.joined()
  }
}
