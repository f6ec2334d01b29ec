/// An object's members in the order of the text, with the exact bytes of each value when it was parsed.
public struct JSONObject: Sendable {
  /// A name and its value.
  public struct Member: Sendable {
    /// The name, unescaped.
    public let name: String
    /// The value.
    public let value: JSONValue
    let range: Range<Int>?

    func isNamed(_ other: String) -> Bool { name.utf8.count == other.utf8.count && name.utf8.elementsEqual(other.utf8) }
  }

  /// All members in order.
  public private(set) var members: [Member]
  // The text that the members' ranges point into; shared by all objects of one parse.
  private let source: [UInt8]

  /// An object with these members in this order. The names must differ.
  public init(_ members: [(String, JSONValue)] = []) {
    self.members = members.map { Member(name: $0.0, value: $0.1, range: nil) }
    source = []
  }

  init(members: [Member], source: [UInt8]) {
    self.members = members
    self.source = source
  }

  /// The value of the member `name`, compared as bytes; nil when there is none.
  public subscript(_ name: String) -> JSONValue? { member(name)?.value }

  /// The place in `members` of the member `name`, compared as bytes; nil when there is none.
  public func place(of name: String) -> Int? { members.firstIndex { $0.isNamed(name) } }

  /// The exact bytes of the value of `name`, without the white space around it; nil when there is no such member.
  /// A member that was not parsed is written anew.
  public func raw(_ name: String) -> [UInt8]? {
    guard let member = member(name) else { return nil }
    if let range = member.range { return Array(source[range]) }
    var writer = JSONWriter()
    writer.value(member.value)
    return writer.bytes
  }

  /// How many bytes `raw(name)` has, without copying them; nil when there is no such member.
  public func rawCount(_ name: String) -> Int? {
    guard let member = member(name) else { return nil }
    return member.range?.count ?? raw(name)?.count
  }

  /// Adds a member at the end. The name must be new.
  public mutating func append(_ name: String, _ value: JSONValue) {
    members.append(Member(name: name, value: value, range: nil))
  }

  private func member(_ name: String) -> Member? {
    members.first { $0.isNamed(name) }
  }
}

extension JSONObject: Equatable {
  /// Same names with same values in the same order, whatever the white space was.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.elementsEqual(right.members) { $0.isNamed($1.name) && $0.value == $1.value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object with the members in the order of the literal. The names must differ.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
