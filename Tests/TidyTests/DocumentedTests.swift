import Foundation
import Testing

/// Everything that another target can see says what its caller gets.
@Suite struct DocumentedTests {
  private static let kinds = "func|var|let|init|subscript|struct|class|enum|actor|protocol|typealias"
  private static let modifiers =
    #"((static|final|indirect|convenience|mutating|nonmutating|override|nonisolated|private\(set\)) )*"#
  /// These belong to the language's own protocols: their meaning is known.
  private static let known = #"func (==|<|hash|encode)|var (description|errorDescription|debugDescription|customMirror)\b|init\(from "#

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
        let above = file.lines[..<number].last { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("@") } ?? ""
        if !above.trimmingCharacters(in: .whitespaces).hasPrefix("///") {
          Issue.record("\(file.path):\(number + 1) has no sentence of its own: \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }
}
