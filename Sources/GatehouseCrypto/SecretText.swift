/// The text of a secret file: `gatehouse-secret 1`, then a line `<key id> <64 hexadecimal digits>` for each key, the newest first.
///
/// People edit it by hand. An editor or a shell may do to it all that changes no key: blanks around words, empty lines, line ends of another
/// system, a last line without one, a line that stands twice. Any other fault is told by the number of its line, which is never shown.
struct SecretText {
  /// The first line: the format's name and version.
  static let header = "gatehouse-secret 1"
  /// Keys that a file may hold.
  static let keysMax = 8
  static let bytesMax = 4_096

  private struct Line {
    let number: Int
    let words: [String]
  }

  private static let headerWords = header.split(separator: " ").map(String.init)

  private(set) var roots: [ServerSecret.Root] = []
  private(set) var faults: [String] = []
  /// Whether it may hold keys though none was read.
  private(set) var isOfAnotherForm = false

  /// - Parameter bytes: of the file; one more than `bytesMax` tells that there are more.
  init(_ bytes: [UInt8]) {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      isOfAnotherForm = true
      faults = ["it is UTF-16: save it as UTF-8 text"]
      return
    }
    var lines = Self.lines(bytes)[...]
    if let first = lines.first { readHeader(first, &lines) }
    var places: [String: (number: Int, root: ServerSecret.Root)] = [:]
    for line in lines {
      if line.words == Self.headerWords {
        faults.append("line \(line.number) is \(Self.header) again: take it out")
        continue
      }
      guard let root = key(line) else { continue }
      guard let (number, same) = places[root.id] else {
        places[root.id] = (line.number, root)
        roots.append(root)
        continue
      }
      if same != root {
        faults.append("lines \(number) and \(line.number) have one id and two keys: give the one that was added last another id")
      }
    }
    if bytes.count > Self.bytesMax { faults = ["it has more than \(Self.bytesMax) bytes: take out what is no key"] }
    if roots.count > Self.keysMax, faults.isEmpty {
      faults.append("it has \(roots.count) keys, and at most \(Self.keysMax) are read: take the last ones out, which are the oldest")
    }
  }

  private static func lines(_ bytes: [UInt8]) -> [Line] {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().compactMap { index, line in
      // Bytes that are no UTF-8 become replacement characters here, which no line of ours holds.
      let words = line.split { [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains($0) }
        .map { String(decoding: $0, as: UTF8.self) }
      return words.isEmpty ? nil : Line(number: index + 1, words: words)
    }
  }

  private mutating func readHeader(_ first: Line, _ lines: inout ArraySlice<Line>) {
    if first.words == Self.headerWords {
      lines.removeFirst()
    } else if first.words.count == 2, first.words[0] == Self.headerWords[0], Int(first.words[1]) != nil {
      lines = []
      isOfAnotherForm = true
      faults.append("a later Gatehouse has written it: start that one")
    } else if let place = lines.firstIndex(where: { $0.words == Self.headerWords }) {
      faults.append("line \(lines[place].number), \(Self.header), must be the first: move it up")
      lines.remove(at: place)
    } else {
      faults.append("its first line must be \(Self.header): put that above the keys")
      if first.words.count != 2 || first.words[0].hasPrefix("gatehouse") { lines.removeFirst() }
    }
  }

  /// The key of a line; nil with a fault.
  private mutating func key(_ line: Line) -> ServerSecret.Root? {
    func fault(_ sentence: String) -> ServerSecret.Root? {
      faults.append("line \(line.number): \(sentence)")
      return nil
    }
    guard line.words.count == 2 else { return fault("it is not an id, a space and a key") }
    let (id, digits) = (line.words[0], line.words[1])
    guard (1...32).contains(id.utf8.count), id.utf8.allSatisfy(Base62.isDigit) else {
      return fault("its id must be 1 to 32 letters and digits")
    }
    let length = 2 * ServerSecret.Root.keyBytes
    guard digits.utf8.allSatisfy(Hexadecimal.isDigit) else {
      return fault("its key has a character that is no hexadecimal digit")
    }
    guard let bytes = Hexadecimal.decode(digits), bytes.count == ServerSecret.Root.keyBytes else {
      return fault("its key has \(digits.utf8.count) hexadecimal digits in place of \(length)")
    }
    return ServerSecret.Root(id: id, bytes: bytes)
  }
}
