import HTTPTypes

/// The header fields of every answer, also of those that the guard writes. None of our answers may be cached, sniffed or framed.
public enum SecurityHeaders {
  static let fields: HTTPFields = {
    var fields: HTTPFields = [
      .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
      .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'",
      // Browsers heed it only over TLS, which a proxy in front speaks.
      .strictTransportSecurity: "max-age=31536000",
    ]
    if let name = HTTPField.Name("Referrer-Policy") { fields[name] = "no-referrer" }
    if let name = HTTPField.Name("X-Frame-Options") { fields[name] = "DENY" }
    return fields
  }()

  /// Adds the fields that `headers` lacks: a route may say otherwise.
  static func add(to headers: inout HTTPFields) {
    for field in fields where headers[field.name] == nil { headers.append(field) }
  }
}
