import LedgerContract
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

/// The engines that keep the ledger's contract.
enum Engine: String, CaseIterable, CustomTestStringConvertible, Sendable {
  /// The service's own: a file, opened twice as by two processes.
  case file
  /// SQLite in memory, without all that the first brings: what proves that the rules know no engine.
  case memory
  /// The first, with every operation undone once before it counts.
  case repeating

  var testDescription: String { rawValue }

  /// Runs `body` over a new, empty store of this engine.
  func run(_ body: (Rig) async throws -> Void) async throws {
    try await withPath { path in
      let engines: [any LedgerEngine] =
        switch self {
        case .file: try [Self.file(path), Self.file(path)]
        case .memory: Array(repeating: try MemoryEngine(), count: 2)
        case .repeating: try [RepeatingEngine(over: Self.file(path)), RepeatingEngine(over: Self.file(path))]
        }
      let databases = engines.map { LedgerDatabase($0, onFatal: { Issue.record("the ledger stopped: \($0)") }, log: quiet) }
      let rig = try Rig(databases[0], other: databases[1]) { try await databases[0].read { try everyRow($0) } }
      try await body(rig)
      for database in databases { await database.close() }
    }
  }

  private static func file(_ path: String) throws -> SQLiteEngine {
    try SQLiteEngine(path: path, .ofTheLedger, SQLiteOptions(), log: quiet)
  }
}

/// All rows of all tables, each as `table: column=value`, bytes as text.
private func everyRow(_ db: any LedgerReader) throws -> [String] {
  let tables = try db.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", [])
  return try tables.flatMap { table in
    let name: String = try table["name"]
    return try db.rows("SELECT * FROM \(name)", []).map { row in
      let values = zip(row.names, row.values).map { column, value in
        switch value {
        case .null: "\(column)=NULL"
        case .integer(let number): "\(column)=\(number)"
        case .text(let text): "\(column)=\(text)"
        case .bytes(let bytes): "\(column)=\(String(decoding: bytes, as: UTF8.self))"
        }
      }
      return "\(name): \(values.joined(separator: " "))"
    }
  }
}
