import Foundation
import NIOCore
import TestSupport
import Testing

@testable import RedisClient

/// The replies that a parser makes of some bytes, fed in pieces.
private func replies(_ pieces: [[UInt8]], bounds: ReplyParser.Bounds = .init()) throws -> [RedisReply] {
  let parser = try #require(ReplyParser(bounds: bounds))
  var replies: [RedisReply] = []
  for piece in pieces {
    try parser.feed(ByteBuffer(bytes: piece))
    while let reply = try parser.next() { replies.append(reply) }
  }
  return replies
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("Reply parser")
struct ReplyParserTests {
  private static let wire = bytes(
    "+OK\r\n:-42\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n$5\r\na\r\nb\0\r\n-WRONGTYPE of key\r\n"
      + "*4\r\n$1\r\nx\r\n*2\r\n:1\r\n*1\r\n$2\r\nyz\r\n$-1\r\n-ERR inner\r\n:9223372036854775807\r\n")
  private static let expected: [RedisReply] = [
    .status(bytes("OK")), .integer(-42), .null, .bytes([]), .null, .array([]), .bytes(bytes("a\r\nb\0")),
    .error(RedisServerError(message: "WRONGTYPE of key")),
    .array([
      .bytes(bytes("x")), .array([.integer(1), .array([.bytes(bytes("yz"))])]), .null, .error(RedisServerError(message: "ERR inner")),
    ]),
    .integer(.max),
  ]

  @Test("The same replies come out wherever the bytes are split")
  func splits() throws {
    #expect(try replies([Self.wire]) == Self.expected)
    #expect(try replies(Self.wire.map { [$0] }) == Self.expected)
    for at in 0...Self.wire.count {
      #expect(try replies([Array(Self.wire[..<at]), Array(Self.wire[at...])]) == Self.expected, "split at \(at)")
    }
  }

  @Test("The same replies come out of random pieces")
  func randomSplits() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var rest = Self.wire[...]
      var pieces: [[UInt8]] = []
      while !rest.isEmpty {
        let count = Int.random(in: 1...min(17, rest.count), using: &random)
        pieces.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(try replies(pieces) == Self.expected, "seed \(seed)")
    }
  }

  @Test(
    "Hostile bytes are refused at once",
    arguments: [
      "*2147483647\r\n", "*1025\r\n", "*-2\r\n", "*9223372036854775807\r\n", "*\r\n", "*x\r\n", "$-2\r\n", "$x\r\n", ":\r\n", ":1x\r\n",
      ":9223372036854775808\r\n", String(repeating: "*1\r\n", count: 9), "_\r\n", "#t\r\n", ",1.5\r\n", "%1\r\n", "~1\r\n", ">1\r\n",
      "(1\r\n", "!5\r\nERR x\r\n", "|1\r\n",
      "=5\r\ntxt:a\r\n", "HTTP/1.1 400 Bad Request\r\n", "\0", "\r\n", "$99999999999999999999\r\n", "*2\r\n:1\r\n*4096\r\n",
    ])
  func hostile(_ text: String) throws {
    let start = ContinuousClock.now
    for pieces in [[bytes(text)], bytes(text).map { [$0] }] {
      #expect(throws: RedisError.self) { _ = try replies(pieces) }
    }
    #expect(ContinuousClock.now - start < .seconds(1), "hostile lengths must not cost time")
  }

  @Test("An endless bulk or line ends at the bound, a reply of that size passes")
  func endless() throws {
    let bounds = ReplyParser.Bounds(bytesMax: 1_000)
    let piece = [UInt8](repeating: 0x61, count: 100)
    for head in ["$9223372036854775807\r\n", "+", "-", "*2\r\n:1\r\n$80000\r\n"] {
      var fed = 0
      #expect(throws: RedisError.protocolViolation("a reply is longer than 1000 bytes")) {
        let parser = try #require(ReplyParser(bounds: bounds))
        try parser.feed(ByteBuffer(string: head))
        while fed < 10_000 {
          _ = try parser.next()
          try parser.feed(ByteBuffer(bytes: piece))
          fed += piece.count
        }
      }
      #expect(fed <= 1_100, "\(head)")
    }
    let whole = bytes("$900\r\n") + [UInt8](repeating: 0x62, count: 900) + bytes("\r\n")
    #expect(try replies([whole + whole + whole], bounds: bounds).count == 3)
  }

  @Test("Nested arrays can't multiply beyond the tape")
  func multiplied() throws {
    let row = "*1000\r\n" + String(repeating: ":1\r\n", count: 1_000)
    #expect(throws: RedisError.self) { _ = try replies([bytes("*100\r\n" + String(repeating: row, count: 100))]) }
    #expect(try replies([bytes("*16\r\n" + String(repeating: row, count: 16))]).count == 1)
  }

  @Test("Lengths that are only announced take no memory")
  func announced() throws {
    let before = try residentBytes()
    // All of them kept alive: room for what they announce would be 2 GB.
    let parsers = try (0..<2_000).map { _ in
      let parser = try #require(ReplyParser())
      try parser.feed(ByteBuffer(string: "*1024\r\n*1024\r\n*1024\r\n*1024\r\n$1000000\r\nab"))
      #expect(try parser.next() == nil)
      return parser
    }
    #expect(parsers.count == 2_000)
    #expect(try residentBytes() - before < 256 << 20)
  }

  private func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) }) * 4_096
  }

  @Test("Arrays in arrays without end are refused after a few")
  func deep() throws {
    #expect(throws: RedisError.self) { _ = try replies([bytes(String(repeating: "*1\r\n", count: 20_000))]) }
  }

  @Test("After one bad byte the parser stays dead")
  func dead() throws {
    let parser = try #require(ReplyParser())
    try parser.feed(ByteBuffer(string: "?"))
    #expect(throws: RedisError.self) { _ = try parser.next() }
    #expect(throws: RedisError.protocolViolation("the reader is dead")) { try parser.feed(ByteBuffer(string: "+OK\r\n")) }
    #expect(throws: RedisError.protocolViolation("the reader is dead")) { _ = try parser.next() }
  }

  @Test("Random bytes give replies or an error, never anything else")
  func noise() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let alphabet = bytes("*$:+-0123456789\r\n\r\n\r\na")
    var refused = 0
    for _ in 0..<5_000 {
      let text = (0..<Int.random(in: 1...40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      do { _ = try replies([text]) } catch is RedisError { refused += 1 }
    }
    #expect(refused > 0, "seed \(seed)")
  }

  @Test("A parser that is thrown away in the middle of a reply leaks nothing", .asvs("1.4.3"))
  func abandoned() throws {
    for at in 0..<Self.wire.count { _ = try replies([Array(Self.wire[..<at])]) }
  }
}
