import Foundation
import Testing

/// Everything that another target can see says what its caller gets.
@Suite struct DocumentedTests {
  private static let kinds = "func|var|let|init|subscript|struct|class|enum|actor|protocol|typealias"
  private static let modifiers =
    #"((static|final|indirect|convenience|mutating|nonmutating|override|nonisolated|private\(set\)) )*"#
  /// These belong to the language's own protocols: their meaning is known.
  private static let known = #"func (==|<|hash|encode)|var (description|errorDescription|debugDescription|customMirror)\b|init\(from "#
  /// Enumerations whose cases need no sentence of their own, as `file.enumeration`: a case's raw value is the documented word, the code
  /// beside it has a sentence for each, or the names say all.
  private static let plain: Set = [
    "Analysis.AnalysisStatus", "Audit.AuditAction", "FeedEvent.Member", "FileStatus.Kind", "GateAnswer.Source", "JSONError.Reason",
    "JSONValue.JSONValue", "LedgerValue.LedgerValue", "PasswordHash.Scheme", "Period.Kind", "Policy.Key", "ProblemCode.ProblemCode",
    "Readiness.Phase", "Recovery.TrustedClock", "RedisReply.RedisReply", "RedisServerError.Kind", "Reservation.ReservationStatus",
    "Session.Transport", "SessionTimeouts.SessionClass", "User.UserStatus",
  ]

  @Test("Every public type and member has a sentence, and so has every requirement of a public protocol")
  func documented() throws {
    let declaration = try Regex(#"^\s*(@\w+(\(.*?\))? )*public "# + Self.modifiers + "(\(Self.kinds))\\b")
    let requirement = try Regex(#"^  ((static|mutating) )*(func|var|init)\b"#)
    let known = try Regex(Self.known)
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      var isInProtocol = false
      for (number, line) in file.lines.enumerated() {
        if line.hasPrefix("public protocol ") { isInProtocol = !line.hasSuffix("}") } else if line.hasPrefix("}") { isInProtocol = false }
        guard line.contains(declaration) || isInProtocol && line.contains(requirement), !line.contains(known) else { continue }
        if !Self.hasSentence(above: number, in: file.lines) {
          Issue.record("\(file.path):\(number + 1) has no sentence of its own: \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }

  @Test("Every case of a public enumeration has a sentence, unless its enumeration is in a short list")
  func casesAreDocumented() {
    var bare: Set<String> = []
    for file in SourceTree.sources where file.path.hasSuffix(".swift") {
      let name = file.path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
      for found in Self.bareCases(file.lines) {
        let enumeration = "\(name).\(found.enumeration)"
        bare.insert(enumeration)
        if !Self.plain.contains(enumeration) { Issue.record("\(file.path):\(found.line) has no sentence for each case of \(enumeration)") }
      }
    }
    #expect(Self.plain.subtracting(bare).isEmpty, "these have a sentence for each case by now: take them out of the list")
  }

  @Test("A case without a sentence is seen on a line of its own, on a line with others, and on that of its enumeration")
  func casesAreSeen() {
    let text = """
      public enum A {
        /// A sentence.
        case told
        case bare(Int)
        /// One sentence for two.
        case two, three
        func name() {
          switch self {
          case .told: break
          }
        }
      }
      struct S {
        public enum B: Sendable { case x, y }
        enum C { case z }
      }
      """
    #expect(Self.bareCases(text.components(separatedBy: "\n")).map { "\($0.enumeration) \($0.line)" } == ["A 4", "A 6", "B 14"])
  }

  /// The cases of public enumerations that lack a sentence of their own, each with its line from 1.
  private static func bareCases(_ lines: [String]) -> [(enumeration: Substring, line: Int)] {
    var found: [(enumeration: Substring, line: Int)] = []
    var open: (name: Substring, indent: Int)?
    for (number, line) in lines.enumerated() {
      let indent = line.prefix { $0 == " " }.count
      if let match = line.firstMatch(of: #/^ *public (?:indirect )?enum (\w+)/#) {
        if line.contains("{ case ") { found.append((match.output.1, number + 1)) }
        if line.hasSuffix("{") { open = (match.output.1, indent) }
      } else if let inside = open {
        if indent == inside.indent, line.hasSuffix("}") { open = nil }
        guard indent == inside.indent + 2, let match = line.firstMatch(of: #/^ *(?:indirect )?case `?\w+`?(?:\([^)]*\))?(?: = [^ ,]+)?/#)
        else { continue }
        let hasOthers = line[match.range.upperBound...].hasPrefix(",")
        if hasOthers || !hasSentence(above: number, in: lines) { found.append((inside.name, number + 1)) }
      }
    }
    return found
  }

  private static func hasSentence(above number: Int, in lines: [String]) -> Bool {
    let above = lines[..<number].last { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("@") } ?? ""
    return above.trimmingCharacters(in: .whitespaces).hasPrefix("///")
  }
}
