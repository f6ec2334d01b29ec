/// A plain request with its bytes, as far as the fast path looks into it.
struct FastRequest {
  let plain: PlainRequest
  let bytes: UnsafeRawBufferPointer

  /// The value of a field as text; nil without it.
  func text(_ field: PlainRequest.Place?) -> String? { field.map { String(decoding: bytes[$0], as: UTF8.self) } }

  private func value(_ place: PlainRequest.Place?) -> Slice<UnsafeRawBufferPointer>? { place.map { bytes[$0] } }

  /// The target without its query.
  var path: Slice<UnsafeRawBufferPointer> { bytes[plain.target].prefix { $0 != UInt8(ascii: "?") } }

  var methodText: String { String(decoding: bytes[plain.methodPlace], as: UTF8.self) }

  var body: Slice<UnsafeRawBufferPointer> { bytes[plain.headBytes..<(plain.headBytes + plain.bodyBytes)] }

  /// Whether the body is said to be JSON, as it is.
  var isJSON: Bool { value(plain.fields.contentType)?.spell("application/json") == true && plain.fields.contentEncoding == nil }

  /// The token of an `Authorization: Bearer`; nil for anything else.
  var bearer: UnsafeRawBufferPointer? {
    guard let value = value(plain.fields.authorization), value.prefix(7).spell("bearer ") else { return nil }
    return UnsafeRawBufferPointer(rebasing: value.dropFirst(7))
  }

  /// How many cookies have the name that `prefix` is with its `=`, and the value of the last.
  func cookies(_ prefix: [UInt8]) -> (count: Int, first: UnsafeRawBufferPointer?) {
    var found: (count: Int, first: UnsafeRawBufferPointer?) = (0, nil)
    guard var rest = value(plain.fields.cookie) else { return found }
    while true {
      let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
      var pair = rest[..<end].drop { isSpace($0) }
      while let last = pair.last, isSpace(last) { pair = pair.dropLast() }
      if pair.starts(with: prefix) { found = (found.count + 1, UnsafeRawBufferPointer(rebasing: pair.dropFirst(prefix.count))) }
      guard end < rest.endIndex else { return found }
      rest = rest[rest.index(after: end)...]
    }
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether a request whose cookie was sent by a browser is certainly meant: a safe method of the client's, or a page of the same site.
  var isMeant: Bool {
    let isOwn = value(plain.fields.ownMethod)?.elementsEqual("own".utf8) == true
    let method = value(plain.fields.forwardedMethod) ?? (isOwn ? bytes[plain.methodPlace] : nil)
    if let method, method.spell("get") || method.spell("head") || method.spell("options") || method.spell("trace") { return true }
    guard let site = value(plain.fields.fetchSite) else { return false }
    return site.elementsEqual("same-origin".utf8) || site.elementsEqual("none".utf8)
  }

  /// Whether `X-Forwarded-For` is missing, or one IPv4 address.
  var hasPlainClient: Bool {
    guard let text = value(plain.fields.forwardedFor) else { return true }
    var (numbers, digits, number) = (0, 0, 0)
    for byte in text {
      if byte == UInt8(ascii: ".") {
        guard digits > 0 else { return false }
        (numbers, digits, number) = (numbers + 1, 0, 0)
      } else {
        guard byte &- UInt8(ascii: "0") < 10, digits < 3, digits == 0 || number > 0 else { return false }
        (digits, number) = (digits + 1, number * 10 + Int(byte - UInt8(ascii: "0")))
        guard number < 256 else { return false }
      }
    }
    return numbers == 3 && digits > 0
  }
}
