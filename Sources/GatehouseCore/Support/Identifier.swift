import GatehouseCrypto

/// What an identifier names; its prefix is the first thing a reader sees of it.
public protocol IdentifierKind: Sendable { static var prefix: String { get } }

/// An opaque id such as `usr_4tq9m2kd7xw1hb`: a prefix and 14 random characters. It names a thing and grants nothing.
public struct Identifier<Kind: IdentifierKind>: Hashable, Sendable, CustomStringConvertible {
  /// The number of random characters behind the prefix (70 bits).
  public static var bodyLength: Int { 14 }

  /// The whole id, prefix included.
  public let text: String

  /// A new random id.
  public static func random() -> Self { Self(unchecked: Kind.prefix + SecureRandom.identifier(length: bodyLength)) }

  /// The id that `text` spells, or nil if it does not have this kind's prefix and shape.
  public init?(_ text: String) {
    let bytes = text.utf8
    guard bytes.count == Kind.prefix.utf8.count + Self.bodyLength, text.hasPrefix(Kind.prefix) else { return nil }
    guard bytes.dropFirst(Kind.prefix.utf8.count).allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }) else {
      return nil
    }
    self.text = text
  }

  /// An id read back from a store that only ever held whole ones.
  public init(unchecked text: String) { self.text = text }

  /// The characters behind the prefix.
  public var body: String { String(text.dropFirst(Kind.prefix.count)) }

  public var description: String { text }
}

/// Ids of users: an account.
public enum UserKind: IdentifierKind { public static let prefix = "usr_" }
/// Ids of sessions: one device's login.
public enum SessionKind: IdentifierKind { public static let prefix = "ses_" }
/// Ids of analyses: a metered job.
public enum AnalysisKind: IdentifierKind { public static let prefix = "ana_" }
/// Ids of reservations: units held for a job.
public enum ReservationKind: IdentifierKind { public static let prefix = "rsv_" }
/// Ids of service keys: a backend's credential.
public enum ServiceKeyKind: IdentifierKind { public static let prefix = "key_" }
/// Ids of usage events: one fact of the history.
public enum UsageEventKind: IdentifierKind { public static let prefix = "evt_" }

public typealias UserID = Identifier<UserKind>
public typealias SessionID = Identifier<SessionKind>
public typealias AnalysisID = Identifier<AnalysisKind>
public typealias ReservationID = Identifier<ReservationKind>
public typealias ServiceKeyID = Identifier<ServiceKeyKind>
public typealias UsageEventID = Identifier<UsageEventKind>

extension Identifier where Kind == UserKind {
  /// The user's routing id: what tokens carry and Redis keys are built from (`gh:{4tq9m2kd7xw1hb}`).
  public var routingID: String { body }

  /// The user whose routing id a token carries.
  public init?(routingID: String) { self.init(UserKind.prefix + routingID) }
}
