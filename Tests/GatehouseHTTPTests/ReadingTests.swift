@testable import GatehouseHTTP
import HTTPTypes
import NIOCore
import Testing

private func fields(_ pairs: (String, String)...) -> HTTPFields {
  var fields = HTTPFields()
  for (name, value) in pairs { if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) } }
  return fields
}

/// The code of the problem that `body` throws.
private func refusal(_ body: () throws -> Void) -> ProblemCode? {
  do {
    try body()
    return nil
  } catch {
    return (error as? Problem)?.code
  }
}

@Suite("Credentials")
struct CredentialTests {
  @Test("Only our bearers and our cookie count as credentials")
  func credential() throws {
    #expect(try credentialOf(fields(("Authorization", "bearer  gh_x"))) == .session(token: "gh_x", fromCookie: false))
    #expect(try credentialOf(fields(("Authorization", "Bearer ghk_x"))) == .key("ghk_x"))
    #expect(try credentialOf(fields(("Cookie", "a=b; __Host-gatehouse=gh_y; c=d"))) == .session(token: "gh_y", fromCookie: true))
    #expect(
      try credentialOf(fields(("Cookie", "a=b"), ("Cookie", "__Host-gatehouse=gh_y"))) == .session(token: "gh_y", fromCookie: true))
    for other in ["Basic Z2hfeA==", "Bearer eyJhbGciOi", "gh_x", "Bearer", "Bearer gH_x", "Digest gh_x"] {
      #expect(try credentialOf(fields(("Authorization", other))) == .none)
      #expect(
        try credentialOf(fields(("Authorization", other), ("Cookie", "__Host-gatehouse=gh_y")))
          == .session(token: "gh_y", fromCookie: true))
    }
    #expect(try credentialOf(fields(("Cookie", "x__Host-gatehouse=gh_y; __host-gatehouse=gh_z"))) == .none)
  }

  @Test("Two credentials in one request are refused")
  func ambiguous() {
    for headers in [
      fields(("Authorization", "Bearer gh_x"), ("Cookie", "__Host-gatehouse=gh_x")),
      fields(("Authorization", "Bearer ghk_x"), ("Cookie", "__Host-gatehouse=gh_x")),
      fields(("Authorization", "Bearer gh_x"), ("Authorization", "Bearer gh_x")),
      fields(("Authorization", "Basic x"), ("Authorization", "Bearer gh_x")),
      fields(("Cookie", "__Host-gatehouse=gh_x; __Host-gatehouse=gh_y")),
      fields(("Cookie", "__Host-gatehouse=gh_x"), ("Cookie", "__Host-gatehouse=gh_x")),
    ] {
      let problem = #expect(throws: Problem.self) { try credentialOf(headers) }
      #expect(problem?.code == .ambiguousCredentials)
    }
  }

  @Test("A cookie changes nothing unless the request is shown to be meant")
  func crossSite() throws {
    let rule = CrossSiteRule(allowedOrigins: ["https://app.example"])
    let cookie = Credential.session(token: "gh_x", fromCookie: true)
    for good in [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none"), ("Origin", "https://app.example")] {
      try rule.check(cookie, method: .post, fields(good))
    }
    try rule.check(cookie, method: .get, [:])
    try rule.check(.session(token: "gh_x", fromCookie: false), method: .post, [:])
    for bad in [
      fields(), fields(("Sec-Fetch-Site", "cross-site")), fields(("Sec-Fetch-Site", "same-site")),
      fields(("Origin", "https://app.example.evil")),
      fields(("Origin", "null")), fields(("Referer", "https://app.example/")),
    ] {
      for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
        let problem = #expect(throws: Problem.self) { try rule.check(cookie, method: method, bad) }
        #expect(problem?.code == .csrfRejected)
      }
    }
  }
}

/// Reads a credential where the cookie has its usual name.
private func credentialOf(_ headers: HTTPFields) throws -> Credential { try Credential.read(headers, cookie: Credential.cookieName) }

@Suite("The client's address")
struct ClientAddressTests {
  private func client(_ peer: String, _ forwarded: String..., trusted: [String] = ["127.0.0.0/8", "::1", "10.0.0.0/8"]) throws -> String? {
    var headers = HTTPFields()
    for line in forwarded { headers.append(HTTPField(name: try #require(HTTPField.Name("X-Forwarded-For")), value: line)) }
    let proxies = TrustedProxies(trusted.compactMap(AddressRange.init))
    switch proxies.client(of: try SocketAddress(ipAddress: peer, port: 1), headers) {
    case .address(let address): return address.description
    case .local: return "local"
    case .unknown(let hop): return "unknown: \(hop)"
    }
  }

  @Test(
    "The client's address is read in every form that proxies send",
    arguments: [
      ("203.0.113.7:51234", "203.0.113.7"), ("[2001:db8::7]:443", "2001:db8::7"), ("[2001:db8::7]", "2001:db8::7"),
      ("\"[2001:db8::7]:4711\"", "2001:db8::7"), ("\"203.0.113.7\"", "203.0.113.7"), ("fe80::7%eth0", "fe80::7"),
      ("[fe80::7%eth0]:80", "fe80::7"), ("[::ffff:203.0.113.7]:80", "203.0.113.7"), (" 203.0.113.7\t", "203.0.113.7"),
      ("6.6.6.6, 203.0.113.7:1 , , [::1]:80,", "203.0.113.7"), (",", "127.0.0.1"), ("10.0.0.9:8080, 10.0.0.8", "10.0.0.9"),
    ])
  func forms(_ forwarded: String, _ address: String) throws { #expect(try client("127.0.0.1", forwarded) == address) }

  @Test(
    "The client is nobody where a proxy of ours names what is no address: never the proxy itself",
    arguments: [
      "unknown", "_hidden", "203.0.113.7:", "203.0.113.7:x", "203.0.113.7:123456", "203.0.113.7:1:2", "[2001:db8::7", "[2001:db8::7]x",
      "[203.0.113.7]:80", "203.0.113.7%eth0", "fe80::7%", "\"203.0.113.7", "203.0.113.300", "for=203.0.113.7", "a b", "\u{e9}", "[]", "\"",
    ])
  func unreadable(_ hop: String) throws {
    for chain in [hop, "6.6.6.6, \(hop)", "6.6.6.6, \(hop), 10.0.0.9", "\(hop),10.0.0.8:1, "] {
      #expect(try client("127.0.0.1", chain) == "unknown: \(hop)", "\(chain)")
    }
    #expect(try client("127.0.0.1", "\(hop), 198.51.100.1") == "198.51.100.1", "a hop behind the client says nothing")
    #expect(try client("203.0.113.1", hop) == "203.0.113.1", "whom we do not trust is not read")
  }

  @Test("A client's address that can't be read is told once a minute, with how many were not told")
  func faults() {
    let faults = HopFaults()
    let start = ContinuousClock.now
    #expect(faults.count(now: start) == 0)
    for second in 1...59 { #expect(faults.count(now: start + .seconds(second)) == nil) }
    #expect(faults.count(now: start + .seconds(60)) == 59)
    #expect(faults.count(now: start + .seconds(119)) == nil)
    #expect(faults.count(now: start + .seconds(120)) == 1)
  }

  @Test("The client is the right-most hop that is not ours, and only where the peer is")
  func hops() throws {
    #expect(try client("203.0.113.1", "198.51.100.1") == "203.0.113.1")
    #expect(try client("127.0.0.1") == "127.0.0.1")
    #expect(try client("127.0.0.1", "198.51.100.1") == "198.51.100.1")
    #expect(try client("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.9") == "198.51.100.1")
    #expect(try client("127.0.0.1", "6.6.6.6", "198.51.100.1 ,10.0.0.9") == "198.51.100.1")
    #expect(try client("127.0.0.1", "10.0.0.1, 10.0.0.2") == "10.0.0.1")
    #expect(try client("::ffff:127.0.0.1", "::ffff:198.51.100.1") == "198.51.100.1")
    #expect(try client("127.0.0.1", "2001:DB8::1") == "2001:db8::1")
  }

  @Test("The client behind our Unix socket is the one that the proxy names")
  func unixSocket() throws {
    let peer = try SocketAddress(unixDomainSocketPath: "/x")
    let name = try #require(HTTPField.Name("X-Forwarded-For"))
    #expect(TrustedProxies.loopback.client(of: peer, [name: "198.51.100.1"]) == IPAddress("198.51.100.1").map(ClientAddress.address))
    #expect(TrustedProxies.loopback.client(of: peer, [:]) == .local)
  }

  @Test("A client counts as a network: IPv4 whole, IPv6 by its /64")
  func networks() {
    #expect(IPAddress("198.51.100.1")?.network == "198.51.100.1")
    #expect(IPAddress("::ffff:198.51.100.1")?.network == "198.51.100.1")
    #expect(IPAddress("2001:db8:1:2:3:4:5:6")?.network == "2001:db8:1:2::/64")
    for bad in ["", "1.2.3", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "01.2.3.4x", " 1.2.3.4"] { #expect(IPAddress(bad) == nil, "\(bad)") }
  }

  @Test("Ranges of addresses hold what their bits say")
  func ranges() throws {
    let range = try #require(AddressRange("10.128.0.0/9"))
    let inside = try #require(IPAddress("10.255.0.1"))
    let below = try #require(IPAddress("10.127.0.1"))
    let all = try #require(AddressRange("0.0.0.0/0"))
    let allOfIPv6 = try #require(AddressRange("::/0"))
    #expect(range.contains(inside) && !range.contains(below))
    #expect(all.contains(inside) && !allOfIPv6.contains(inside))
    for bad in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "x/8", "10.0.0.0/8/8", "::/129"] { #expect(AddressRange(bad) == nil, "\(bad)") }
  }
}

@Suite("Keys and queries")
struct KeyAndQueryTests {
  private func key(_ values: String...) throws -> String {
    var headers = HTTPFields()
    if let name = HTTPField.Name("Idempotency-Key") { for value in values { headers.append(HTTPField(name: name, value: value)) } }
    return try IdempotencyKeyHeader.required(headers)
  }

  @Test("An Idempotency-Key is 1 to 255 visible ASCII characters, quoted or bare")
  func keys() throws {
    #expect(try key("abc-1") == "abc-1")
    #expect(try key("\"abc-1\"") == "abc-1")
    #expect(try key(String(repeating: "x", count: 255)).count == 255)
    for bad in ["", "\"\"", "a b", "é", "\"a", "a\"b", String(repeating: "x", count: 256)] {
      #expect(refusal { _ = try key(bad) } == .idempotencyKeyInvalid, "\(bad)")
    }
    #expect(refusal { _ = try key("a", "a") } == .idempotencyKeyInvalid)
    #expect(refusal { _ = try key() } == .idempotencyKeyMissing)
  }

  @Test("A query with an unknown, repeated or unreadable parameter is 400; a wrong value is 422")
  func queries() throws {
    let query = try QueryReader("limit=5&cursor=a%2Bb+c&x", known: ["limit", "cursor", "x", "y"])
    #expect(query["cursor"] == "a+b c" && query["x"] == "" && query["y"] == nil)
    #expect(try query.int("limit", in: 1...100, default: 20) == 5)
    #expect(try query.int("y", in: 1...100, default: 20) == 20)
    #expect(try QueryReader(nil, known: [])["a"] == nil)
    for bad in ["z=1", "limit=1&limit=1", "limit=%", "limit=%zz", "limit=%+1", "limit=%ff", "limit=%00", "lim%69t=1&limit=2"] {
      #expect(refusal { _ = try QueryReader(bad, known: ["limit"]) } == .malformedRequest, "\(bad)")
    }
    for bad in ["limit=0", "limit=101", "limit=x", "limit=", "limit=%2B5", "limit=5.0"] {
      let query = try QueryReader(bad, known: ["limit"])
      #expect(refusal { _ = try query.int("limit", in: 1...100, default: 20) } == .invalidFields, "\(bad)")
    }
  }

  @Test("Dates of the guard's own answers are those of HTTP")
  func dates() {
    #expect(HTTPDate.text(seconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.text(seconds: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(HTTPDate.text(seconds: 1_709_164_800) == "Thu, 29 Feb 2024 00:00:00 GMT")
  }

  @Test("The codes of problems are those of the contract, each with its status")
  func codes() {
    let contract: [Int: String] = [
      400: "malformed_request ambiguous_credentials invalid_cursor idempotency_key_missing idempotency_key_invalid",
      401: "unauthenticated invalid_login invalid_key",
      403: "suspended reauthentication_required email_unverified plan_required scope_missing csrf_rejected", 404: "not_found",
      405: "method_not_allowed", 406: "not_acceptable", 408: "request_timeout",
      409: "email_taken external_id_taken invalid_transition reservation_expired", 410: "token_spent", 413: "body_too_large",
      414: "uri_too_long", 415: "unsupported_media_type", 417: "expectation_failed",
      422: "invalid_fields cost_exceeds_limit idempotency_key_reused", 429: "rate_limited allowance_exhausted", 431: "headers_too_large",
      503: "unavailable overloaded unknown_profile",
    ]
    for (status, codes) in contract {
      #expect(Set(ProblemCode.allCases.filter { $0.status == status }.map(\.rawValue)) == Set(codes.split(separator: " ").map(String.init)))
    }
    #expect(ProblemCode.allCases.allSatisfy { contract[$0.status] != nil })
    #expect(ProblemCode.rateLimited.type == "https://iana.org/assignments/http-problem-types#quota-exceeded")
    #expect(Problem(.invalidLogin, "").headers[.wwwAuthenticate] != nil && Problem(.overloaded, "").headers[.retryAfter] == "1")
  }
}
