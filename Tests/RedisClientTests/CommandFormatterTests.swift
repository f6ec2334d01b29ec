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

  @Test("A call built on a script's head equals the same call formatted whole")
  func head() throws {
    let digest = String(repeating: "a", count: 40)
    let head = try #require(CommandFormatter.ScriptHead(digest: digest))
    for (keys, arguments) in [([], []), (["k"], []), (["gh:{u}", "gh:{u}:rl"], ["", "\r\n", "ü", "12"])] as [([String], [String])] {
      var built = ByteBuffer()
      CommandFormatter.write(head, keys: keys, arguments: arguments, to: &built)
      var whole = ByteBuffer()
      #expect(CommandFormatter.write(["EVALSHA", digest, String(keys.count)] + keys + arguments, to: &whole))
      #expect(built == whole)
    }
  }
}
