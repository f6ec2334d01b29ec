import CHiredis
import NIOCore

/// Commands as bytes. Every word goes with its length, so no byte of an argument has a meaning.
///
/// hiredis formats whole commands and the constant head of a script's; the words of a script's call are written behind that head, each
/// as it comes, without a list of them.
enum CommandFormatter {
  /// `EVALSHA` and a script's digest, formatted once.
  struct ScriptHead {
    fileprivate static let wordCount = 2
    fileprivate let bytes: [UInt8]

    /// nil when there is no memory.
    init?(digest: String) {
      guard let whole = CommandFormatter.format(["EVALSHA", digest]), let lineEnd = whole.firstIndex(of: UInt8(ascii: "\n")) else {
        return nil
      }
      // Without its first line, the count of words: that depends on the call.
      bytes = Array(whole[(lineEnd + 1)...])
    }
  }

  /// Appends one command. False, and nothing appended, when there is no memory.
  static func write(_ words: [String], to buffer: inout ByteBuffer) -> Bool {
    guard let bytes = format(words) else { return false }
    buffer.writeBytes(bytes)
    return true
  }

  /// Appends one call of a script, whose keys and arguments `write` writes. False, and nothing appended, unless they are so many words.
  static func write(
    _ head: ScriptHead, keys: Int, words: Int, to buffer: inout ByteBuffer, _ write: (inout CommandWriter) -> Void
  ) -> Bool {
    buffer.writeCommand(words: ScriptHead.wordCount + 1 + words) { writer in
      writer.head(head.bytes, words: ScriptHead.wordCount)
      writer.word(Int64(keys))
      write(&writer)
    }
  }

  /// Appends the same by the script's source.
  static func write(
    _ source: String, keys: Int, words: Int, to buffer: inout ByteBuffer, _ write: (inout CommandWriter) -> Void
  ) -> Bool {
    buffer.writeCommand(words: 3 + words) { writer in
      writer.word("EVAL")
      writer.word(source)
      writer.word(Int64(keys))
      write(&writer)
    }
  }

  private static func format(_ words: [String]) -> [UInt8]? {
    guard let count = CInt(exactly: words.count) else { return nil }
    var bytes: [UInt8] = []
    for word in words { bytes.append(contentsOf: word.utf8) }
    let lengths = words.map(\.utf8.count)
    return bytes.withUnsafeBytes { raw -> [UInt8]? in
      // A command of empty words has no bytes at all; hiredis reads none of them, but wants pointers.
      let empty: StaticString = ""
      let base =
        raw.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
      var starts: [UnsafePointer<CChar>?] = []
      var at = 0
      for length in lengths {
        starts.append(base + at)
        at += length
      }
      var target: UnsafeMutablePointer<CChar>?
      let size = redisFormatCommandArgv(&target, count, &starts, lengths)
      guard size > 0, let target else { return nil }
      defer { redisFreeCommand(target) }
      return [UInt8](UnsafeRawBufferPointer(start: target, count: Int(size)))
    }
  }
}
