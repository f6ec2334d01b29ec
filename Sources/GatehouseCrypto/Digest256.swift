import COpenSSL

/// A SHA-256 digest.
public struct Digest256: Sendable, Hashable, CustomStringConvertible {
  /// The length of every digest: 256 bits.
  public static let byteCount = 32

  /// Exactly `byteCount` bytes.
  public let bytes: [UInt8]

  /// The digest that these bytes are; nil unless there are 32.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  private init(computed bytes: [UInt8]) { self.bytes = bytes }

  /// The digest of `message`.
  public static func sha256(_ message: some Sequence<UInt8>) -> Digest256 {
    message.withContiguousStorageIfAvailable { sha256(UnsafeRawBufferPointer($0)) } ?? Array(message).withUnsafeBytes { sha256($0) }
  }

  /// The digest of `message`.
  public static func sha256(_ message: UnsafeRawBufferPointer) -> Digest256 {
    var digest = [UInt8](repeating: 0, count: byteCount)
    guard EVP_Digest(message.baseAddress, message.count, &digest, nil, Algorithms.shared.sha256, nil) == 1 else {
      fatalError("OpenSSL refuses to compute SHA-256.")
    }
    return Digest256(computed: digest)
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String { Hexadecimal.encode(bytes) }

  public var description: String { hex }
}

/// OpenSSL's algorithms, fetched once: a fetch costs more than a digest of a token.
///
/// Invariant of `@unchecked Sendable`: fetched algorithms are never written after `init`, and OpenSSL lets threads share them.
final class Algorithms: @unchecked Sendable {
  static let shared = Algorithms()

  let sha256: OpaquePointer
  let hmac: OpaquePointer

  private init() {
    guard let sha256 = EVP_MD_fetch(nil, "SHA256", nil), let hmac = EVP_MAC_fetch(nil, "HMAC", nil) else {
      fatalError("OpenSSL offers no SHA-256 or no HMAC; check that libcrypto 3 is installed whole.")
    }
    self.sha256 = sha256
    self.hmac = hmac
  }
}
