import NIOCore
import TestSupport
import Testing

@testable import RedisClient

@Suite("Command formatter")
struct CommandFormatterTests {
  @Test("Every word goes with its length, whatever its bytes", .asvs("1.2.4"))
  func words() {
    var buffer = ByteBuffer()
    #expect(CommandFormatter.write(["DEL", "", "a\r\nb", "zażółć", "n\0l"], to: &buffer))
    #expect(String(buffer: buffer) == "*5\r\n$3\r\nDEL\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$10\r\nzażółć\r\n$3\r\nn\0l\r\n")
  }

  @Test("Commands of empty words are well formed")
  func empty() {
    var buffer = ByteBuffer()
    #expect(CommandFormatter.write(["", ""], to: &buffer))
    #expect(String(buffer: buffer) == "*2\r\n$0\r\n\r\n$0\r\n\r\n")
  }

  @Test("A script's call that is written word by word equals the same call formatted whole, by its digest and by its source")
  func calls() throws {
    let (digest, source) = (String(repeating: "a", count: 40), "return {KEYS, ARGV}")
    let head = try #require(CommandFormatter.ScriptHead(digest: digest))
    for (keys, arguments) in [([], []), (["k"], []), (["gh:{u}", "gh:{u}:rl"], ["", "\r\n", "ü", "12"])] as [([String], [String])] {
      let said = keys + arguments
      func write(_ writer: inout CommandWriter) { for word in said { writer.word(word) } }
      var built = ByteBuffer()
      #expect(CommandFormatter.write(head, keys: keys.count, words: said.count, to: &built, write))
      #expect(CommandFormatter.write(source, keys: keys.count, words: said.count, to: &built, write))
      for miscounted in [-1, 1] {
        #expect(!CommandFormatter.write(head, keys: keys.count, words: said.count + miscounted, to: &built, write))
        #expect(!CommandFormatter.write(source, keys: keys.count, words: said.count + miscounted, to: &built, write))
      }
      var whole = ByteBuffer()
      #expect(CommandFormatter.write(["EVALSHA", digest, String(keys.count)] + said, to: &whole))
      #expect(CommandFormatter.write(["EVAL", source, String(keys.count)] + said, to: &whole))
      #expect(built == whole)
    }
  }

  @Test("Numbers, bytes in hexadecimal, parts and words that were encoded before are the words that they spell")
  func kinds() {
    let numbers: [Int64] = [0, 7, 9, 10, 99, 100, 1_796_033_278_798, -1, -10, .max, .min]
    let bytes: [UInt8] = [0, 1, 0x7f, 0x80, 0xab, 0xff]
    func write(_ writer: inout CommandWriter) {
      for number in numbers { writer.word(number) }
      bytes.withUnsafeBytes {
        writer.word(Array("s:".utf8), hexadecimal: $0)
        writer.word([0x61], $0, [0x62])
        writer.word([], UnsafeRawBufferPointer(rebasing: $0[..<0]))
      }
    }
    let encoded = EncodedWords(write)
    #expect(encoded.count == numbers.count + 3)
    var built = ByteBuffer()
    let isWhole = built.writeCommand(words: 2 * encoded.count) { writer in
      write(&writer)
      writer.words(encoded)
    }
    #expect(isWhole)
    var expected = ByteBuffer()
    expected.writeString("*\(2 * encoded.count)\r\n")
    for _ in 0..<2 {
      for word in numbers.map(String.init) + ["s:00017f80abff"] { expected.writeString("$\(word.utf8.count)\r\n\(word)\r\n") }
      expected.writeString("$8\r\na")
      expected.writeBytes(bytes)
      expected.writeString("b\r\n$0\r\n\r\n")
    }
    #expect(built == expected)
  }
  @Test("A command that is longer than the space kept for it is written again into more, and one that grows meanwhile is not sent")
  func long() {
    for length in [900, 1_000, 1_010, 1_011, 1_012, 1_013, 1_024, 5_000, 2_000_000] {
      let text = String(repeating: "x", count: length)
      var built = ByteBuffer(string: "before")
      let isWhole = built.writeCommand(words: 2) { writer in
        writer.word(text)
        writer.word(Int64(length))
      }
      #expect(isWhole)
      #expect(String(buffer: built) == "before*2\r\n$\(length)\r\n\(text)\r\n$\(String(length).utf8.count)\r\n\(length)\r\n")
    }
    var (growing, built) = (5_000, ByteBuffer())
    let isWhole = built.writeCommand(words: 1) { writer in
      growing *= 4
      writer.word(String(repeating: "x", count: growing))
    }
    #expect(!isWhole && built.readableBytes == 0)
  }
}
