import Foundation

/// The files of the project, read once.
struct SourceTree {
  struct File {
    /// From the project's root, such as `Sources/GatehouseCore/Gate/Lease.swift`.
    let path: String
    let lines: [String]
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized.path()
  static let sources = files(in: "Sources")
  static let tests = files(in: "Tests") + files(in: "Benchmarks")
  static let scripts = files(in: "scripts") + files(in: "clients")

  /// The text files below a folder, sorted by path.
  static func files(in folder: String) -> [File] {
    let kinds = [".swift", ".lua", ".sql", ".py", ".sh", ".yaml"]
    let names = FileManager.default.enumerator(atPath: root + "/" + folder)?.allObjects as? [String] ?? []
    return names.filter { name in kinds.contains { name.hasSuffix($0) } }.sorted().compactMap { file("\(folder)/\($0)") }
  }

  static func file(_ path: String) -> File? {
    guard let text = try? String(contentsOfFile: root + "/" + path, encoding: .utf8) else { return nil }
    return File(path: path, lines: text.components(separatedBy: "\n"))
  }
}
