import GatehouseCrypto

/// A kind of thing that identifiers name; its prefix is the first thing a reader sees of one.
public protocol IdentifierKind: Sendable { static var prefix: String { get } }

/// An opaque id such as `usr_4tq9m2kd7xw1hb`: a prefix and 14 characters. It names a thing and grants nothing.
public struct Identifier<Named: IdentifierKind>: Hashable, Sendable, CustomStringConvertible {
  /// The number of characters behind the prefix, 5 bits each.
  public static var bodyLength: Int { 14 }

  /// The whole id, prefix included.
  public let text: String

  /// A new id that is random in all its characters.
  public static func random() -> Self { Self(unchecked: Named.prefix + SecureRandom.identifier(length: bodyLength)) }

  /// The id that `text` spells, or nil if it does not have this kind's prefix and shape.
  public init?(_ text: String) {
    let bytes = text.utf8
    guard bytes.count == Named.prefix.utf8.count + Self.bodyLength, bytes.starts(with: Named.prefix.utf8) else { return nil }
    guard bytes.dropFirst(Named.prefix.utf8.count).allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }) else {
      return nil
    }
    self.text = text
  }

  /// An id read back from a store that only ever held whole ones.
  public init(unchecked text: String) { self.text = text }

  /// The characters behind the prefix.
  public var body: String { String(text.dropFirst(Named.prefix.count)) }

  public var description: String { text }
}
