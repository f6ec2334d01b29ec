import StrictJSON
import Testing

@Suite("The parser")
struct ParserTests {
  @Test(
    "The parser refuses what parsers disagree on, and says where",
    arguments: [
      ("", .empty, 0), ("  ", .empty, 2), ("\u{FEFF}{}", .byteOrderMark, 0), ("{} x", .trailingBytes, 3), ("[1,]", .unexpectedCharacter, 3),
      ("{\"a\":1,}", .unexpectedCharacter, 7), ("{\"a\" 1}", .unexpectedCharacter, 5), ("{a:1}", .unexpectedCharacter, 1),
      ("{\"a\":1,\"a\":2}", .duplicateKey, 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 7), ("01", .invalidNumber, 0),
      ("-", .unexpectedEnd, 0), ("-x", .invalidNumber, 0), ("1.", .unexpectedEnd, 0), ("1.x", .invalidNumber, 0),
      ("1e+", .unexpectedEnd, 0),
      ("+1", .unexpectedCharacter, 0), (".5", .unexpectedCharacter, 0), ("NaN", .unexpectedCharacter, 0),
      ("Infinity", .unexpectedCharacter, 0), ("nul", .unexpectedEnd, 3), ("nulL", .unexpectedCharacter, 3), ("\"a", .unexpectedEnd, 2),
      ("\"\n\"", .controlCharacter, 1), ("\"\\x\"", .invalidEscape, 1), ("\"\\u12g4\"", .invalidEscape, 1),
      ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1), ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
      ("'a'", .unexpectedCharacter, 0), ("/**/1", .unexpectedCharacter, 0), ("[1", .unexpectedEnd, 2), ("{\"a\"", .unexpectedEnd, 4),
    ] as [(String, JSONError.Reason, Int)])
  func refusal(_ text: String, _ reason: JSONError.Reason, _ offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    #expect(error?.reason == reason)
    #expect(error?.offset == offset)
    #expect(error?.description.hasSuffix(".") == true)
  }

  @Test(
    "The parser refuses bytes that are not UTF-8, at their place",
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC0, 0x80, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1), ([0x22, 0x61, 0xE2, 0x82], 2),
    ] as [([UInt8], Int)])
  func invalidUTF8(_ bytes: [UInt8], _ offset: Int) {
    #expect(throws: JSONError(reason: .invalidUTF8, offset: offset)) { try JSONValue.parse(bytes) }
  }

  @Test("The parser takes 32 levels and refuses the 33rd")
  func depth() throws {
    let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
    _ = try JSONValue.parse(deep(32))
    #expect(throws: JSONError(reason: .tooDeep, offset: 32)) { try JSONValue.parse(deep(33)) }
    let objects = String(repeating: "{\"a\":", count: 33) + "1" + String(repeating: "}", count: 33)
    #expect(throws: JSONError(reason: .tooDeep, offset: 160)) { try JSONValue.parse(objects) }
  }

  @Test("The parser keeps the spelling of numbers, and reads integers only from integer syntax")
  func numbers() throws {
    for (text, value) in [
      ("0", 0), ("-0", 0), ("9223372036854775807", Int64.max), ("-9223372036854775808", .min), ("9223372036854775808", nil),
      ("1.0", nil), ("1e3", nil), ("-1.5E-3", nil), ("42", 42),
    ] as [(String, Int64?)] {
      guard case .number(let number) = try JSONValue.parse(text) else { throw JSONError(reason: .invalidNumber, offset: 0) }
      #expect(number.text == text)
      #expect(number.asInt64 == value)
    }
    _ = try JSONValue.parse(String(repeating: "1", count: JSONNumber.textLengthMax))
    #expect(throws: JSONError(reason: .numberTooLong, offset: 1)) {
      try JSONValue.parse("[" + String(repeating: "1", count: JSONNumber.textLengthMax + 1) + "]")
    }
  }

  @Test("The parser decodes escapes, surrogate pairs and text outside ASCII")
  func strings() throws {
    let text = #""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00ß日\u0000""#
    #expect(try JSONValue.parse(text) == .string("a\"\\/\u{8}\u{C}\n\r\té😀ß日\0"))
  }

  @Test("The parser tells texts apart that Unicode calls equivalent")
  func bytesNotEquivalence() throws {
    let object = try JSONValue.parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    guard case .object(let members) = object else { throw JSONError(reason: .empty, offset: 0) }
    #expect(members["e\u{301}"] == 2)
    #expect(JSONValue.string("\u{e9}") != .string("e\u{301}"))
  }

  @Test("The parser gives the exact bytes of a member, at any depth")
  func rawBytes() throws {
    guard case .object(let body) = try JSONValue.parse(#" { "metadata" : { "b":1.50 , "a":[ ] } , "x":{"y": "\u0041"} }"#),
      case .object(let inner)? = body["x"]
    else { throw JSONError(reason: .empty, offset: 0) }
    #expect(body.raw("metadata").map { String(decoding: $0, as: UTF8.self) } == #"{ "b":1.50 , "a":[ ] }"#)
    #expect(body.rawCount("metadata") == 22)
    #expect(inner.raw("y").map { String(decoding: $0, as: UTF8.self) } == #""\u0041""#)
    #expect(body.raw("none") == nil)
  }

  @Test("The parser finds a duplicate among many members")
  func manyMembers() throws {
    let names = (0..<1_000).map { "\"k\($0)\":\($0)" }
    _ = try JSONValue.parse("{" + names.joined(separator: ",") + "}")
    let error = #expect(throws: JSONError.self) { try JSONValue.parse("{" + (names + ["\"k3\":0"]).joined(separator: ",") + "}") }
    #expect(error?.reason == .duplicateKey)
  }

  @Test("Any damage to a valid text is either refused or still valid, and never a trap")
  func damage() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix(state: seed)
    let text = Array(#"{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00ß"],"b":{"c":""}}"#.utf8)
    for _ in 0..<5_000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      bytes.removeLast(Int.random(in: 0...2, using: &random))
      guard let value = try? JSONValue.parse(bytes) else { continue }
      var writer = JSONWriter()
      writer.value(value)
      #expect((try? JSONValue.parse(writer.bytes)) == value, "seed \(seed)")
    }
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
