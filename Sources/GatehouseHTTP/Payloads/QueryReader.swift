import StrictJSON

/// Reads the parameters of a query. Unknown, repeated and unreadable ones are refused at once.
public struct QueryReader: Sendable {
  /// The advice about a plus that is not encoded.
  static let plusAdvice = "A + stands for a space in some queries and for itself in others: write it as %2B, and a space as %20."

  private let values: [String: String]
  /// The parameters whose value was sent with a plus that is not encoded.
  private let withPlus: Set<String>

  /// Throws 400 `malformed_request` for a parameter that is not in `known` or stands twice, and for what can't be decoded.
  public init(_ query: String?, known: [String]) throws {
    var values: [String: String] = [:]
    var withPlus: Set<String> = []
    for pair in (query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]), let value = parts.count == 2 ? Self.decoded(parts[1]) : "" else {
        throw Problem.malformed("The query is not valid percent-encoded UTF-8.")
      }
      guard known.contains(name) else {
        let list = known.isEmpty ? "This path takes none." : "Known here: \(known.joined(separator: ", "))."
        throw Problem.malformed("There is an unknown query parameter. \(list)")
      }
      guard values.updateValue(value, forKey: name) == nil else { throw Problem.malformed("The query parameter \(name) stands twice.") }
      if parts.count == 2, parts[1].contains("+") { withPlus.insert(name) }
    }
    self.values = values
    self.withPlus = withPlus
  }

  /// The value of a parameter, nil when it is absent.
  public subscript(_ name: String) -> String? { values[name] }

  /// Whether the value was sent with a plus that is not encoded: it was read as a space, which its sender may not have meant.
  func hasPlus(_ name: String) -> Bool { withPlus.contains(name) }

  /// A text of at most `lengthMax` code points, or nil when absent. Throws 422 `invalid_fields`, for a plus that may mean two things too:
  /// a search for another text than was meant finds nobody, or somebody else.
  public func text(_ name: String, lengthMax: Int) throws -> String? {
    guard !hasPlus(name) else { throw refusal(name, code: "ambiguous_plus", Self.plusAdvice) }
    guard let text = values[name], text.unicodeScalars.count > lengthMax else { return values[name] }
    throw refusal(name, code: "too_long", "Send at most \(lengthMax) characters.")
  }

  /// A whole number in `range`, or `fallback` when absent. Throws 422 `invalid_fields`.
  public func int(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
    guard let text = values[name] else { return fallback }
    if let number = Int(text), range.contains(number), !text.hasPrefix("+") { return number }
    throw refusal(name, code: "out_of_range", Remedy.wholeNumber(range))
  }

  /// `true` or `false`, or `fallback` when absent. Throws 422 `invalid_fields`.
  public func bool(_ name: String, default fallback: Bool) throws -> Bool {
    guard let text = values[name] else { return fallback }
    if let flag = Bool(text) { return flag }
    throw refusal(name, code: "not_allowed", Remedy.oneOf(["true", "false"]))
  }

  /// One of `allowed`, or nil when absent. Throws 422 `invalid_fields`.
  public func oneOf<Choice: RawRepresentable<String>>(_ name: String, _ allowed: [Choice]) throws -> Choice? {
    guard let text = values[name] else { return nil }
    if let choice = allowed.first(where: { $0.rawValue.utf8.elementsEqual(text.utf8) }) { return choice }
    throw refusal(name, code: "not_allowed", Remedy.oneOf(allowed.map(\.rawValue)))
  }

  /// The 422 for a parameter that is readable but wrong.
  public func refusal(_ name: String, code: String, _ message: String) -> Problem {
    .invalidFields([FieldFault(field: name, pointer: "", code: code, message: message)])
  }

  /// `text` without percent-encoding, `+` as a space; nil when it is not valid UTF-8 or holds a NUL.
  static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(0x20)
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2)
        guard digits.count == 2, digits.allSatisfy({ isHex($0) }), let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
          value != 0
        else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }
}
