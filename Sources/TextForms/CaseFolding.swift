import CUnistring
import Glibc

/// `text` as caseless matching sees it: full case folding, in NFC. Nil when there is no memory for it.
///
/// Two texts have the same folded form when they are a canonical caseless match (Unicode 15, section 3.13, D145). Folding again changes
/// nothing.
public func caseFolded(_ text: Substring) -> String? {
  guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text.lowercased() }
  let bytes = Array(text.utf8)
  var count = 0
  guard let folded = gatehouse_casefold(bytes, bytes.count, &count) else { return nil }
  defer { free(folded) }
  return String(decoding: UnsafeBufferPointer(start: folded, count: count), as: UTF8.self)
}
