/// The head of a request in the plainest form of HTTP/1.1, which nearly all proxies and backends send: read once, from its bytes.
///
/// It is a part of what the parser takes, and means the same there. All that is odd is left to the parser: other versions and line ends,
/// folded lines, bytes beyond ASCII, chunks, fields that may stand once and stand twice.
struct PlainRequest {
  /// How a request begins.
  enum Reading {
    case plain(PlainRequest)
    /// The head has not arrived whole; so far it is plain.
    case partial
    case other
  }

  enum PlainMethod { case get, post, head, other }

  /// Where a part stands in the request's bytes.
  typealias Place = Range<Int>

  /// The values of the fields that decide something, each at most once.
  struct KnownFields {
    var host, contentLength, contentType, contentEncoding, authorization, cookie, requestID, origin, fetchSite: Place?
    var forwardedFor, forwardedMethod, ownMethod, refuse: Place?
  }

  fileprivate(set) var method = PlainMethod.other
  /// The method as it stands there.
  fileprivate(set) var methodPlace: Place = 0..<0
  /// With the query.
  fileprivate(set) var target: Place = 0..<0
  fileprivate(set) var fields = KnownFields()
  /// With the empty line.
  fileprivate(set) var headBytes = 0
  fileprivate(set) var bodyBytes = 0
  /// Whether the rules of the guard have nothing to say about it: no expectation, no upgrade, a connection that goes on.
  fileprivate(set) var isOrdinary = true

  /// All that the request takes.
  var bytes: Int { headBytes + bodyBytes }

  /// As much of a request as the guard has to know once its bytes go to the parser: each connection has room for it.
  struct Outline {
    let bodyBytes: Int
    let isOrdinary: Bool
  }

  var outline: Outline { Outline(bodyBytes: bodyBytes, isOrdinary: isOrdinary) }

  /// Reads the head that `bytes` begin with.
  static func read(_ bytes: UnsafeRawBufferPointer, _ limits: HTTPLimits) -> Reading {
    var reader = PlainReader(bytes: bytes, fieldsMax: limits.fieldsMax)
    let headMax = min(limits.uriBytesMax, limits.fieldBytesMax, limits.headerBytesMax)
    do {
      try reader.head()
      return reader.request.headBytes <= headMax ? .plain(reader.request) : .other
    } catch {
      return error == .partial && bytes.count <= headMax ? .partial : .other
    }
  }
}

private struct PlainReader {
  enum Unread: Error { case partial, other }

  let bytes: UnsafeRawBufferPointer
  let fieldsMax: Int
  var at = 0
  var request = PlainRequest()
  var isOrdinary = true

  init(bytes: UnsafeRawBufferPointer, fieldsMax: Int) {
    self.bytes = bytes
    self.fieldsMax = fieldsMax
  }

  private func byte() throws(Unread) -> UInt8 {
    guard at < bytes.count else { throw .partial }
    return bytes[at]
  }

  private mutating func expect(_ expected: UInt8) throws(Unread) {
    guard try byte() == expected else { throw .other }
    at += 1
  }

  mutating func head() throws(Unread) {
    try requestLine()
    var count = 0
    while try byte() != UInt8(ascii: "\r") {
      count += 1
      guard count <= fieldsMax else { throw .other }
      try field()
    }
    at += 1
    try expect(UInt8(ascii: "\n"))
    request.headBytes = at
    request.isOrdinary = isOrdinary
    guard let host = request.fields.host, bytes[host].allSatisfy(HeadRules.isHostByte) else { throw .other }
    guard let length = request.fields.contentLength else { return }
    guard (1...9).contains(length.count) else { throw .other }
    for digit in bytes[length] {
      guard digit &- UInt8(ascii: "0") < 10 else { throw .other }
      request.bodyBytes = request.bodyBytes * 10 + Int(digit - UInt8(ascii: "0"))
    }
  }

  private mutating func requestLine() throws(Unread) {
    while try byte() != UInt8(ascii: " ") {
      guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[at]), at < 7 else { throw .other }
      at += 1
    }
    request.methodPlace = 0..<at
    request.method = try method(0..<at)
    at += 1
    let start = at
    guard try byte() == UInt8(ascii: "/") else { throw .other }
    while try byte() != UInt8(ascii: " ") {
      guard bytes[at] > 0x20, bytes[at] < 0x7f, bytes[at] != UInt8(ascii: "#") else { throw .other }
      at += 1
    }
    request.target = start..<at
    for expected in " HTTP/1.1\r\n".utf8 { try expect(expected) }
  }

  private func method(_ place: Range<Int>) throws(Unread) -> PlainRequest.PlainMethod {
    if `is`(place, "get") { return .get }
    if `is`(place, "post") { return .post }
    if `is`(place, "head") { return .head }
    if `is`(place, "put") || `is`(place, "delete") || `is`(place, "patch") || `is`(place, "options") { return .other }
    throw .other
  }

  private mutating func field() throws(Unread) {
    let start = at
    while try byte() != UInt8(ascii: ":") {
      switch bytes[at] {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        at += 1
      default: throw .other
      }
    }
    let name = start..<at
    guard !name.isEmpty else { throw .other }
    at += 1
    while try isSpace(byte()) { at += 1 }
    let first = at
    while try byte() != UInt8(ascii: "\r") {
      guard bytes[at] >= 0x20 && bytes[at] < 0x7f || bytes[at] == 0x09 else { throw .other }
      at += 1
    }
    let value = first..<at
    // The parser keeps spaces at the end, and some would say that they belong to the value.
    if let last = bytes[value].last, isSpace(last) { throw .other }
    at += 1
    try expect(UInt8(ascii: "\n"))
    try take(value, of: name)
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether the bytes at a place are `word`, which is in small letters, in letters of any case.
  private func `is`(_ place: Range<Int>, _ word: StaticString) -> Bool { bytes[place].spell(word) }

  private mutating func take(_ value: Range<Int>, of name: Range<Int>) throws(Unread) {
    switch name.count {
    case 4: if `is`(name, "host") { try Self.once(value, &request.fields.host) }
    case 6:
      if `is`(name, "cookie") { Self.keep(value, &request.fields.cookie, &isOrdinary) }
      if `is`(name, "origin") { Self.keep(value, &request.fields.origin, &isOrdinary) }
      if `is`(name, "expect") { isOrdinary = false }
    case 7: if `is`(name, "upgrade") { isOrdinary = false }
    case 10: if `is`(name, "connection"), !`is`(value, "keep-alive") { isOrdinary = false }
    case 12:
      if `is`(name, "content-type") { Self.keep(value, &request.fields.contentType, &isOrdinary) }
      if `is`(name, "x-request-id") { Self.keep(value, &request.fields.requestID, &isOrdinary) }
    case 13: if `is`(name, "authorization") { Self.keep(value, &request.fields.authorization, &isOrdinary) }
    case 14:
      if `is`(name, "content-length") { try Self.once(value, &request.fields.contentLength) }
      if `is`(name, "sec-fetch-site") { Self.keep(value, &request.fields.fetchSite, &isOrdinary) }
    case 15: if `is`(name, "x-forwarded-for") { Self.keep(value, &request.fields.forwardedFor, &isOrdinary) }
    case 16:
      // The parser takes it for `Connection`.
      if `is`(name, "proxy-connection") { isOrdinary = false }
      if `is`(name, "content-encoding") { Self.keep(value, &request.fields.contentEncoding, &isOrdinary) }
      if `is`(name, "gatehouse-method") { Self.keep(value, &request.fields.ownMethod, &isOrdinary) }
      if `is`(name, "gatehouse-refuse") { Self.keep(value, &request.fields.refuse, &isOrdinary) }
    case 17: if `is`(name, "transfer-encoding") { throw .other }
    case 18: if `is`(name, "x-forwarded-method") { Self.keep(value, &request.fields.forwardedMethod, &isOrdinary) }
    default: break
    }
  }

  private static func once(_ value: Range<Int>, _ place: inout Range<Int>?) throws(Unread) {
    guard place == nil else { throw .other }
    place = value
  }

  /// Of a field that stands twice the routes know what it means.
  private static func keep(_ value: Range<Int>, _ place: inout Range<Int>?, _ isOrdinary: inout Bool) {
    if place != nil { isOrdinary = false }
    place = value
  }
}

extension Slice<UnsafeRawBufferPointer> {
  /// Whether these bytes are `word`, which is in small letters, in letters of any case.
  func spell(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    for (at, byte) in enumerated() {
      let isCapital = byte &- UInt8(ascii: "A") < 26
      guard (isCapital ? byte | 0x20 : byte) == word.utf8Start[at] else { return false }
    }
    return true
  }
}
