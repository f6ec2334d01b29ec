import Configuration
import Yams

/// The problems of a configuration: one sentence each.
struct ConfigurationProblems: Error, CustomStringConvertible {
  let sentences: [String]
  var description: String { sentences.joined(separator: "\n") }
}

/// A configuration file, flattened: dotted keys with their values and lines.
struct ConfigurationFile {
  enum Content: Equatable {
    case text(String)
    case list([String])
  }

  struct Entry {
    let key: String
    let value: Content
    let line: Int
    /// Nothing stands behind the key, or `{}`.
    let isEmpty: Bool
  }

  /// How sentences name the file.
  let name: String
  let entries: [Entry]
  private let byKey: [String: Entry]

  /// Reads YAML. Throws what is wrong with it as sentences, with line and column.
  init(yaml: String, name: String) throws(ConfigurationProblems) {
    self.name = name
    if let line = YAMLAliases.firstLine(in: yaml) {
      throw ConfigurationProblems(sentences: ["\(name), line \(line): an alias can't stand here: write the value out."])
    }
    let root: Node?
    do { root = try Yams.Parser(yaml: yaml).singleRoot() } catch {
      throw ConfigurationProblems(sentences: [Self.sentence(error, name)])
    }
    var entries: [Entry] = []
    var problems: [String] = []
    switch root {
    case nil: break
    case .scalar(let scalar)? where scalar.string.isEmpty: break
    case .mapping(let mapping)?: Self.flatten(mapping, under: [], name, &entries, &problems)
    default: problems.append("\(name) must hold keys with values, such as `http:` with `port: 8080` below it.")
    }
    guard problems.isEmpty else { throw ConfigurationProblems(sentences: problems) }
    self.entries = entries
    byKey = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
  }

  subscript(_ key: String) -> Entry? { byKey[key] }

  /// The names below a section, in the order of the text, without its list of them.
  func described(_ section: String) -> [String] {
    var seen: Set<String> = []
    return entries.compactMap { entry in
      let parts = entry.key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard parts.count > 1, parts[0] == section, parts[1] != "names", parts.count > 2 || entry.isEmpty, seen.insert(parts[1]).inserted
      else { return nil }
      return parts[1]
    }
  }

  /// The layer of a reader. Empty values stay out: they are looked at by line.
  func provider() -> InMemoryProvider {
    var values: [AbsoluteConfigKey: ConfigValue] = [:]
    for entry in entries {
      let content: ConfigContent =
        switch entry.value {
        case .text(let text): .string(text)
        case .list(let list): .stringArray(list)
        }
      values[AbsoluteConfigKey(entry.key.split(separator: ".").map(String.init))] = ConfigValue(content, isSecret: false)
    }
    return InMemoryProvider(name: name, values: values)
  }

  private static func flatten(
    _ mapping: Node.Mapping, under path: [String], _ name: String, _ entries: inout [Entry], _ problems: inout [String]
  ) {
    for (keyNode, node) in mapping {
      let line = keyNode.mark?.line ?? 0
      guard let part = keyNode.string, !part.isEmpty, !part.contains(".") else {
        problems.append("\(name), line \(line): a key must be a plain word without dots.")
        continue
      }
      let key = (path + [part]).joined(separator: ".")
      switch node {
      case .mapping(let inner) where inner.isEmpty: entries.append(Entry(key: key, value: .text(""), line: line, isEmpty: true))
      case .mapping(let inner): flatten(inner, under: path + [part], name, &entries, &problems)
      case .sequence(let sequence):
        let items = sequence.compactMap { $0.scalar?.string }
        guard items.count == sequence.count else {
          problems.append("\(key) (\(name), line \(line)) must be a list of single values.")
          continue
        }
        entries.append(Entry(key: key, value: .list(items), line: line, isEmpty: false))
      case .scalar(let scalar):
        let isEmpty = scalar.string.isEmpty && scalar.style == .plain
        entries.append(Entry(key: key, value: .text(scalar.string), line: line, isEmpty: isEmpty))
      case .alias: problems.append("\(key) (\(name), line \(line)) can't be an alias: write the value out.")
      }
    }
  }

  private static func sentence(_ error: any Error, _ name: String) -> String {
    let otherwise = "\(name) can't be read as YAML."
    guard let error = error as? YamlError else { return otherwise }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      return "\(name), line \(mark.line), column \(mark.column): this is not YAML: \(problem)."
    case .reader(let problem, _, _, _): return "\(name) is not readable text: \(problem)."
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.sorted().joined(separator: ", ")
      return "\(name): the section at line \(context.mark.line), column \(context.mark.column) has \(keys) twice: remove one."
    default: return otherwise
    }
  }
}
