import HTTPTypes
import NIOHTTP1

/// The guard's verdict on a request's head.
enum HeadVerdict {
  case refuse(Problem)
  case accept(AcceptedHead)
}

/// A head that may have a body and an answer.
struct AcceptedHead {
  /// The head as handlers see it: an absolute target is reduced to its path.
  var head: HTTPRequestHead
  let bodyBytesMax: Int
  let admission: Endpoint.Admission
  /// Whether the client waits for `100 Continue` before it sends its body.
  let expectsContinue: Bool
  /// Whether the connection ends with this request's answer.
  let closes: Bool
}

/// The rules of RFC 9110 and 9112 on heads that the parser leaves open. Pure.
enum HeadRules {
  /// - Parameter plain: the same head as the lane has read it; it has no fault.
  static func judge(
    _ head: HTTPRequestHead, _ limits: HTTPLimits, _ rules: RequestRules, plain: PlainRequest.Outline? = nil
  ) -> HeadVerdict {
    var head = head
    if plain == nil, let fault = fault(&head) { return .refuse(.malformed(fault)) }
    if head.uri.utf8.count > limits.uriBytesMax { return .refuse(.uriTooLong(limits)) }

    let target = head.uri
    let path = target[..<(target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex)]
    let rule = rules.rule(head.method, path)
    let bodyBytesMax = rule.bodyBytesMax ?? limits.bodyBytesMax
    let length = plain?.bodyBytes ?? head.headers.first(name: "content-length").flatMap { Int($0) }
    if let length, length > bodyBytesMax { return .refuse(.bodyTooLarge(bodyBytesMax)) }
    if plain?.isOrdinary == true {
      return .accept(
        AcceptedHead(head: head, bodyBytesMax: bodyBytesMax, admission: rule.admission, expectsContinue: false, closes: false))
    }

    let hasBody = (length ?? 0) > 0 || head.headers.contains(name: "transfer-encoding")
    var expectsContinue = false
    if head.version == .http1_1, head.headers.contains(name: "expect") {
      guard joined(head.headers, "expect").lowercased() == "100-continue" else {
        return .refuse(Problem(.expectationFailed, "The only expectation that can be met is 100-continue. Leave out the Expect header."))
      }
      expectsContinue = hasBody
    }
    // The parser takes nothing after a request that asks for another protocol.
    let closes = !head.isKeepAlive || head.headers.contains(name: "upgrade")
    return .accept(
      AcceptedHead(
        head: head, bodyBytesMax: bodyBytesMax, admission: rule.admission, expectsContinue: expectsContinue, closes: closes))
  }

  /// A sentence on what is wrong with the framing or the target; nil when nothing is.
  private static func fault(_ head: inout HTTPRequestHead) -> String? {
    guard head.version == .http1_1 || head.version == .http1_0 else { return "Only HTTP/1.0 and HTTP/1.1 are spoken here." }
    guard HTTPRequest.Method(head.method.rawValue) != nil else { return "The method is not a token." }
    let hosts = head.headers["host"]
    if hosts.count > 1 { return "There is more than one Host header." }
    if hosts.isEmpty, head.version == .http1_1 { return "HTTP/1.1 requires a Host header." }
    if let host = hosts.first, !host.utf8.allSatisfy(isHostByte) { return "The Host header is not a host." }
    return bodyFault(head) ?? targetFault(&head, host: hosts.first ?? "") ?? fieldFault(head.headers)
  }

  private static func bodyFault(_ head: HTTPRequestHead) -> String? {
    let lengths = head.headers["content-length"]
    if lengths.count > 1 { return "There is more than one Content-Length header." }
    if let length = lengths.first {
      guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), Int(length) != nil else {
        return "The Content-Length header is not a number."
      }
    }
    guard head.headers.contains(name: "transfer-encoding") else { return nil }
    if head.version == .http1_0 { return "HTTP/1.0 has no Transfer-Encoding." }
    if !lengths.isEmpty { return "Content-Length and Transfer-Encoding stand together." }
    if joined(head.headers, "transfer-encoding").lowercased() != "chunked" { return "The only Transfer-Encoding is chunked." }
    return nil
  }

  private static func targetFault(_ head: inout HTTPRequestHead, host: String) -> String? {
    guard head.uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      return "The request target has characters that must be percent-encoded."
    }
    if head.uri.hasPrefix("/") || (head.uri == "*" && head.method == .OPTIONS) { return nil }
    let scheme = ["http://", "https://"].first { head.uri.lowercased().hasPrefix($0) }
    guard let scheme else { return "The request target must start with a slash." }
    let rest = head.uri.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard authority.lowercased() == host.lowercased() else { return "The request target and the Host header name different hosts." }
    let path = rest.dropFirst(authority.count)
    head.uri = path.hasPrefix("/") ? String(path) : "/" + path
    return nil
  }

  private static func fieldFault(_ headers: HTTPHeaders) -> String? {
    for (_, value) in headers where !value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) {
      return "A header field holds a control character."
    }
    return nil
  }

  private static func joined(_ headers: HTTPHeaders, _ name: String) -> String { headers[name].joined(separator: ", ") }

  static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-._~%!$&'()*+;=:[]".utf8.contains(byte)
    }
  }
}

extension Problem {
  static func bodyTooLarge(_ bytesMax: Int) -> Problem {
    Problem(.bodyTooLarge, "The body may have \(bytesMax) bytes here. Send less, or in parts.")
  }

  static func uriTooLong(_ limits: HTTPLimits) -> Problem {
    Problem(.uriTooLong, "The request line may have \(limits.uriBytesMax) bytes.")
  }

  static func headersTooLarge(_ limits: HTTPLimits) -> Problem {
    Problem(
      .headersTooLarge,
      "The header may have \(limits.fieldsMax) fields of \(limits.fieldBytesMax) bytes, \(limits.headerBytesMax) bytes in all.")
  }
}
