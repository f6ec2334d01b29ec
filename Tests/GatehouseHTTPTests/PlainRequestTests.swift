import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("A request in the plain form")
struct PlainRequestTests {
  private static let seed = UInt64.random(in: 0...UInt64.max)

  private static func read(_ bytes: [UInt8]) -> PlainRequest.Reading {
    bytes.withUnsafeBytes { PlainRequest.read($0, HTTPLimits()) }
  }

  /// The head and the length of the body as the parser and the guard's rules understand the bytes; nil if they refuse them.
  private static func parsed(_ bytes: [UInt8], isOrdinary: Bool) throws -> (head: HTTPRequestHead, bodyBytes: Int)? {
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { return nil }
    var head: HTTPRequestHead?
    var (bodyBytes, isWhole) = (0, false)
    while !isWhole, let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
      switch part {
      case .head(let found): head = found
      case .body(let body): bodyBytes += body.readableBytes
      case .end: isWhole = true
      }
    }
    guard let head, isWhole else { return nil }
    switch HeadRules.judge(head, HTTPLimits(), RequestRules([.gate, .forwardAuth])) {
    case .accept: return (head, bodyBytes)
    // An expectation is no fault of its form.
    case .refuse(let problem): return !isOrdinary && problem.code == .expectationFailed ? (head, bodyBytes) : nil
    }
  }

  @Test("A request that is read as plain means the same to the parser and the guard's rules, for any bytes")
  func meansTheSame() throws {
    var random = SeededGenerator(seed: Self.seed)
    var plain = 0
    for _ in 0..<20_000 {
      let bytes = Self.request(&random)
      guard case .plain(let request) = Self.read(bytes) else { continue }
      guard bytes.count >= request.bytes else { continue }
      plain += 1
      let whole = Array(bytes[..<request.bytes])
      let text = String(decoding: whole, as: UTF8.self)
      guard let (head, bodyBytes) = try Self.parsed(whole, isOrdinary: request.isOrdinary) else {
        Issue.record("seed \(Self.seed): the guard refuses \(text.debugDescription)")
        continue
      }
      func value(_ place: PlainRequest.Place?) -> String? { place.map { String(decoding: whole[$0], as: UTF8.self) } }
      #expect(head.uri == value(request.target) && head.method.rawValue == value(request.methodPlace), "seed \(Self.seed): \(text)")
      #expect(bodyBytes == request.bodyBytes, "seed \(Self.seed): \(text)")
      #expect(head.version == .http1_1)
      guard request.isOrdinary else { continue }
      #expect(head.isKeepAlive && !head.headers.contains(name: "upgrade") && !head.headers.contains(name: "expect"), "\(text)")
      let fields = request.fields
      for (name, place) in [
        ("host", fields.host), ("content-type", fields.contentType), ("authorization", fields.authorization), ("cookie", fields.cookie),
        ("x-request-id", fields.requestID), ("origin", fields.origin), ("sec-fetch-site", fields.fetchSite),
        ("x-forwarded-for", fields.forwardedFor), ("x-forwarded-method", fields.forwardedMethod), ("gatehouse-method", fields.ownMethod),
        ("gatehouse-refuse", fields.refuse), ("content-encoding", fields.contentEncoding), ("content-length", fields.contentLength),
      ] { #expect(head.headers[name] == (value(place).map { [$0] } ?? []), "seed \(Self.seed): \(name) of \(text)") }
    }
    // A property of which nothing was true says nothing.
    #expect(plain > 2_000, "seed \(Self.seed): \(plain)")
  }

  @Test("A head that is cut anywhere is partial, and never anything else")
  func partial() {
    let bytes = Array("POST /v1/gate HTTP/1.1\r\nHost: a:1\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}".utf8)
    for cut in 0..<(bytes.count - 2) {
      guard case .partial = Self.read(Array(bytes[..<cut])) else {
        Issue.record("cut at \(cut)")
        continue
      }
    }
    guard case .plain(let request) = Self.read(bytes) else {
      Issue.record("it is plain")
      return
    }
    #expect(request.headBytes == bytes.count - 2 && request.bodyBytes == 2)
  }

  /// A request that is plain, but for what chance has changed.
  private static func request(_ random: inout SeededGenerator) -> [UInt8] {
    func pick(_ texts: [String]) -> String { texts[Int(random.next() % UInt64(texts.count))] }
    func mostly(_ text: String, _ others: [String]) -> String { random.next() % 8 > 0 ? text : pick(others) }
    var text = mostly(pick(["GET", "POST"]), ["PUT", "HEAD", "OPTIONS", "DELETE", "get", "G ET", "PROPFIND", "", "XYZ"])
    text += mostly(" ", ["  ", "\t"])
    text += mostly(pick(["/v1/gate", "/v1/auth/api?x=1"]), ["/", "*", "http://a/x", "/%41", "/a#b", "/\u{e9}", "/v1/gate?", "//"])
    text += mostly(" HTTP/1.1\r\n", [" HTTP/1.0\r\n", " HTTP/1.1\n", " HTTP/2\r\n", "\r\n"])
    text += mostly("Host: a\r\n", ["host:a:80\r\n", "", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host:\r\n", "Host: a \r\n"])
    for _ in 0..<(random.next() % 6) {
      let name = pick([
        "Authorization", "Cookie", "Content-Type", "X-Request-Id", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Method",
        "Gatehouse-Method", "Gatehouse-Refuse", "Content-Encoding", "User-Agent", "Accept", "connection", "Expect", "Upgrade",
        "Transfer-Encoding", "Content-Length", "x_y", "", "a b", "X-Request-Id ", "Content\u{2d}Length",
      ])
      let value = pick([
        "x", " x", " y", "\tx\t ", "", "keep-alive", "Keep-Alive", "close", "chunked", "0", "00", "+1", "1 ", "a, b", "\u{e9}", "a\u{7f}",
        "a\u{1}b",
        "a\r\n b", "100-continue", "Bearer gh_1", "a;b=c",
      ])
      text += "\(name):\(value)" + mostly("\r\n", ["\n", "\r"])
    }
    let body = pick(["", "{}", "hello"])
    if random.next() % 3 > 0 { text += "Content-Length: \(pick(["\(body.utf8.count)", "\(body.utf8.count)", "2", "9", "-1"]))\r\n" }
    var bytes = Array((text + "\r\n" + body).utf8)
    if random.next() % 4 == 0 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
    return bytes
  }
}
