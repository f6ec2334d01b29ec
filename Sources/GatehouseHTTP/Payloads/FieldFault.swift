import StrictJSON

/// One wrong field of a request.
public struct FieldFault: Sendable, Equatable {
  /// Where it is, for people: `password`, `limits.0.cost`.
  public let field: String
  /// Where it is, as a JSON pointer (RFC 6901).
  public let pointer: String
  /// The kind of fault, for programs: `required`, `too_long`.
  public let code: String
  /// The fault and its remedy, in a sentence.
  public let message: String

  /// A fault at `field`, which is `pointer`.
  public init(field: String, pointer: String, code: String, message: String) {
    self.field = field
    self.pointer = pointer
    self.code = code
    self.message = message
  }

  var json: JSONValue {
    ["field": .string(field), "pointer": .string(pointer), "code": .string(code), "message": .string(message)]
  }
}

/// Sentences on how to mend a wrong field, where several places say the same.
enum Remedy {
  /// For a text that is none of `allowed`.
  static func oneOf(_ allowed: [String]) -> String { "Use one of: \(allowed.joined(separator: ", "))." }

  /// For a number outside of `range`.
  static func wholeNumber(_ range: ClosedRange<Int>) -> String {
    "Send a whole number from \(range.lowerBound) to \(range.upperBound)."
  }

  /// For a text that is not an instant.
  static func instant(such example: String = "2026-11-23T14:00:00Z") -> String { "Use an instant such as \(example)." }
}

extension Problem {
  /// How many wrong fields one answer lists.
  public static let faultsMax = 32

  /// The 422 that lists `faults`, at most `faultsMax` of them.
  public static func invalidFields(_ faults: [FieldFault]) -> Problem {
    let listed = faults.prefix(faultsMax)
    var names: [String] = []
    for fault in listed where !names.contains(fault.field) { names.append(fault.field) }
    let count = names.count == 1 ? "1 field needs" : "\(names.count) fields need"
    return Problem(
      .invalidFields, "\(count) attention: \(names.joined(separator: ", ")).", extras: ["errors": .array(listed.map(\.json))])
  }
}

/// Where a field is: the names and indexes from the body down to it.
struct FieldPath: Sendable {
  /// How much of a name that the caller made up is repeated.
  private static let nameLengthMax = 64

  private(set) var field = ""
  private(set) var pointer = ""

  /// The place of the member or element `step` below this one.
  func appending(_ step: String) -> FieldPath {
    let short = step.unicodeScalars.count > Self.nameLengthMax ? String(step.unicodeScalars.prefix(Self.nameLengthMax)) + "…" : step
    var path = self
    path.field += field.isEmpty ? short : ".\(short)"
    path.pointer += "/"
    for character in short.unicodeScalars {
      switch character {
      case "~": path.pointer += "~0"
      case "/": path.pointer += "~1"
      default: path.pointer.unicodeScalars.append(character)
      }
    }
    return path
  }
}
