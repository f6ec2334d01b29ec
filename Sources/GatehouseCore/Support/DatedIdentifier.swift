import GatehouseCrypto

/// A kind whose ids begin with the time: rows that are made one after another then lie side by side in every index of their ids, and a
/// batch of them writes few pages.
public protocol DatedIdentifierKind: IdentifierKind {}

extension Identifier where Named: DatedIdentifierKind {
  /// The characters that spell the time; 8 random ones follow (40 bits). Of 10,000 a second two are the same about once in eight days:
  /// the ledger refuses the second, and whoever writes it makes another.
  static var timeLength: Int { 6 }
  /// The time is counted in units of 32 ms. After 398 days the count begins anew: ids lie side by side all the same.
  private static var unitBits: Int64 { 5 }

  /// A new id of a thing that is made at an instant, in milliseconds since 1970 UTC. Its order says little: things of one instant have
  /// random places, and a year later the times come again.
  public static func made(at milliseconds: Int64) -> Self {
    let time = SecureRandom.spelled(UInt64(bitPattern: milliseconds >> unitBits), length: timeLength)
    return Self(unchecked: Named.prefix + time + SecureRandom.identifier(length: bodyLength - timeLength))
  }
}
