import NIOCore
import NIOHTTP1

/// How much of the request line has arrived, and what it asks for as far as that is known: a header that the parser refuses has no head.
struct RequestLine {
  /// The method and path of a request, for its refusal.
  struct Target {
    let method: String
    /// Without the query; empty when it is not known.
    let path: String

    /// `target` as it stands in the request line.
    init(method: String, target: some StringProtocol) {
      self.method = method
      var rest = Substring(target)
      if let scheme = ["http://", "https://"].first(where: { target.lowercased().hasPrefix($0) }) {
        rest = rest.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
      }
      path = String(rest.prefix { $0 != "?" })
    }

    init(_ head: HTTPRequestHead) { self.init(method: head.method.rawValue, target: head.uri) }
  }

  /// The part of the line that is kept, in bytes.
  private static let keptMax = 256

  private(set) var length = 0
  private var isWhole = false
  private var kept: [UInt8] = []

  var isUntouched: Bool { length == 0 }

  mutating func append(_ bytes: ByteBuffer) {
    guard !isWhole else { return }
    let view = bytes.readableBytesView
    let end = view.firstIndex(of: UInt8(ascii: "\n"))
    length += view.distance(from: view.startIndex, to: end ?? view.endIndex)
    kept += view[..<(end ?? view.endIndex)].prefix(Self.keptMax - kept.count)
    // An empty line before the request is skipped, as parsers do.
    isWhole = end != nil && length > 1
  }

  var target: Target {
    let words = String(decoding: kept, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return Target(method: words.first.map(String.init) ?? "", target: words.dropFirst().first ?? "")
  }
}
