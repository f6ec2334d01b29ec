import StrictJSON
import Testing

@Suite("The writer")
struct WriterTests {
  @Test("The writer writes members in the order given, with commas where they belong")
  func order() {
    var writer = JSONWriter()
    writer.object { writer in
      writer.string("b", "x")
      writer.int64("a", nil)
      writer.array("list") { writer in
        writer.int(1)
        writer.object { _ in }
        writer.array { $0.null() }
        writer.bool(true)
      }
      writer.object("o") { $0.raw("m", Array(#"{"z": 1}"#.utf8)) }
      writer.bool("last", false)
    }
    #expect(writer.text == #"{"b":"x","a":null,"list":[1,{},[null],true],"o":{"m":{"z": 1}},"last":false}"#)
  }

  @Test("The writer escapes what must be escaped, and its text is read back the same")
  func escapes() throws {
    let text = String(String.UnicodeScalarView((0...0x7F).compactMap { Unicode.Scalar($0 as UInt32) })) + "é😀\u{2028}"
    var writer = JSONWriter()
    writer.string(text)
    #expect(try JSONValue.parse(writer.bytes) == .string(text))
    #expect(writer.text.hasPrefix(#""\u0000\u0001"#))
    #expect(writer.text.contains(#"\t\n\u000b\u000c\r\u000e"#))
    // Longer than one piece, with an escape on each side of where two meet.
    let long = String(repeating: "é", count: 127) + "\"\n\u{1f}" + String(repeating: "x", count: 600) + "\\"
    var other = JSONWriter()
    other.string(long)
    #expect(try JSONValue.parse(other.bytes) == .string(long))
  }

  @Test("The writer writes a value built of literals")
  func literals() {
    var writer = JSONWriter()
    writer.value(["one": 1, "two": ["x", true], "none": .null])
    #expect(writer.text == #"{"one":1,"two":["x",true],"none":null}"#)
  }
}

@Suite("A text written in pieces")
struct PieceTests {
  @Test("A text written in pieces is the text that is written at once")
  func pieces() throws {
    var writer = JSONWriter()
    var bytes: [UInt8] = []
    writer.beginObject()
    bytes += writer.takeBytes()
    writer.int("a", 1)
    bytes += writer.takeBytes()
    writer.beginArray("list")
    for number in 0..<3 {
      writer.int(number)
      bytes += writer.takeBytes()
    }
    writer.endArray()
    writer.beginArray("none")
    writer.endArray()
    bytes += writer.takeBytes()
    writer.bool("b", true)
    writer.endObject()
    bytes += writer.takeBytes()
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":1,"list":[0,1,2],"none":[],"b":true}"#)
    #expect(writer.takeBytes().isEmpty)
  }

  @Test("Names that are no literals are escaped, and a text is written where it stands")
  func names() throws {
    var writer = JSONWriter()
    writer.object { writer in
      writer.name(of: "a\"b\\")
      writer.string("\u{1}x")
      writer.member("é", .null)
      writer.string("digits", bytesMax: 4) { text in for digit in "12".utf8 { text.append(digit) } }
      writer.bool("last", true)
    }
    #expect(writer.text == #"{"a\"b\\":"\u0001x","é":null,"digits":"12","last":true}"#)
    #expect(try JSONValue.parse(writer.bytes) == ["a\"b\\": "\u{1}x", "é": .null, "digits": "12", "last": true])
  }
}
