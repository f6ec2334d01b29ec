import HTTPTypes

/// The `Idempotency-Key` header: 1 to 255 visible ASCII characters, quoted or bare.
public enum IdempotencyKeyHeader {
  /// The longest key, in characters.
  public static let lengthMax = 255

  /// The key, without quotes. Throws 400 `idempotency_key_missing` or `idempotency_key_invalid`.
  public static func required(_ headers: HTTPFields) throws -> String {
    if let key = try optional(headers) { return key }
    throw Problem(
      .idempotencyKeyMissing, "This call needs an Idempotency-Key header, so that it can be repeated safely. A fresh UUID will do.")
  }

  /// The key, or nil without the header. Throws 400 `idempotency_key_invalid`.
  public static func optional(_ headers: HTTPFields) throws -> String? {
    guard let name = HTTPField.Name("Idempotency-Key") else { return nil }
    let fields = headers[values: name]
    guard let field = fields.first else { return nil }
    var key = Substring(field)
    let isQuoted = key.utf8.count >= 2 && key.hasPrefix("\"") && key.hasSuffix("\"")
    if isQuoted { key = key.dropFirst().dropLast() }
    guard fields.count == 1, isValid(key), !key.utf8.contains(UInt8(ascii: "\"")) else {
      throw Problem(
        .idempotencyKeyInvalid, "An Idempotency-Key has 1 to \(lengthMax) visible ASCII characters, with or without quotes around.")
    }
    return String(key)
  }

  /// Whether `key` has 1 to 255 visible ASCII characters.
  static func isValid(_ key: some StringProtocol) -> Bool {
    (1...lengthMax).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}
