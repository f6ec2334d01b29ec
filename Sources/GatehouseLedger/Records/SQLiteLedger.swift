import Foundation
import GRDB
import GatehouseCore
import Logging
import Synchronization

/// How long rows are kept that nobody needs for a decision; nil keeps them.
public struct LedgerRetention: Sendable, Equatable {
  public var usageEventDays: Int?
  public var auditDays: Int?
  public init(usageEventDays: Int? = nil, auditDays: Int? = 400) {
    self.usageEventDays = usageEventDays
    self.auditDays = auditDays
  }
}

/// The domain's durable store in SQLite: every call is one transaction of the write queue or one read of the read queue.
public final class SQLiteLedger: Sendable {
  /// The schema's version; see `schema.sql`.
  public static let version = 1

  let database: LedgerDatabase
  let rules: Rules
  let retention: @Sendable () -> LedgerRetention
  private let down = Atomic<Bool>(false)

  /// What of the configuration decides about rows.
  struct Rules: Sendable {
    let allowances: @Sendable () -> AllowanceTable
    let timeouts: @Sendable (Session.Class) -> SessionTimeouts

    func plan(of user: User, now: Int64) -> String {
      let table = allowances()
      return table.known(user.plan(atMilliseconds: now, fallback: table.defaultPlan))
    }
  }

  /// Opens the ledger at `path`, making it if it is new.
  /// - Parameter onFatal: called when the outcome of a commit is unknown: stop the process.
  public init(
    path: String, options: LedgerDatabase.Options = .init(), retention: @escaping @Sendable () -> LedgerRetention = { .init() },
    allowances: @escaping @Sendable () -> AllowanceTable, timeouts: @escaping @Sendable (Session.Class) -> SessionTimeouts,
    onFatal: @escaping @Sendable (LedgerFailure) -> Void, log: Logger
  ) throws {
    let schema = String(decoding: PackageResources.schema_sql, as: UTF8.self)
    database = try LedgerDatabase(path: path, schema: schema, version: Self.version, options: options, onFatal: onFatal, log: log)
    rules = Rules(allowances: allowances, timeouts: timeouts)
    self.retention = retention
  }

  /// Whether reads and writes have not failed for good.
  public var isUp: Bool { !down.load(ordering: .relaxed) }

  /// Lets the queue drain and closes the file.
  public func close() async {
    down.store(true, ordering: .relaxed)
    await database.close()
  }

  func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(ServiceError) -> T {
    do { return try await database.write(body) } catch { throw Self.serviceError(error) }
  }

  func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(ServiceError) -> T {
    do { return try await database.read(body) } catch { throw Self.serviceError(error) }
  }

  /// The domain's word for a failure of the store: by code, never by text.
  static func serviceError(_ error: any Error) -> ServiceError {
    if let error = error as? ServiceError { return error }
    guard let failure = error as? LedgerFailure ?? LedgerFailure(error) else {
      return ServiceError(.unavailable, "The ledger could not answer. Try again.")
    }
    switch failure.kind {
    case .overloaded: return ServiceError(.overloaded, "Too many writes are waiting. Try again in a moment.", retryAfterSeconds: 1)
    case .outcomeUnknown:
      return ServiceError(.outcomeUnknown, "The write may or may not have happened. Repeat it with the same Idempotency-Key.")
    case .diskFull: return ServiceError(.unavailable, "There is no room on the disk to write this down. Nothing was changed.")
    case .busy, .closed, .constraint, .internal: return ServiceError(.unavailable, "The ledger could not write. Nothing was changed.")
    }
  }
}

extension Database {
  /// Every change passes here: its user's hot state must be dropped.
  func pending(_ user: UserID, now: Int64) throws -> PendingChange {
    try cachedStatement(sql: "UPDATE meta SET change_seq = change_seq + 1, newest_stamp = max(newest_stamp, ?)").execute(arguments: [now])
    let sequence = try Int64.fetchOne(cachedStatement(sql: "SELECT change_seq FROM meta")) ?? 0
    try cachedStatement(
      sql: "INSERT INTO hot_pending VALUES (?, ?) ON CONFLICT (routing_id) DO UPDATE SET seq = excluded.seq"
    ).execute(arguments: [user.routingID, sequence])
    return PendingChange(routingID: user.routingID, sequence: sequence)
  }

  func run(_ sql: String, _ arguments: StatementArguments) throws { try cachedStatement(sql: sql).execute(arguments: arguments) }
  func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
    try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }
  func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
    try Row.fetchAll(cachedStatement(sql: sql), arguments: arguments)
  }
  func number(_ sql: String, _ arguments: StatementArguments) throws -> Int64? {
    try Int64.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  /// Writes what happened to an account.
  func audit(_ user: UserID?, _ action: String, by actor: Actor, reason: String? = nil, detail: String = "{}", now: Int64) throws {
    try run(
      "INSERT INTO audit (user_id, occurred_at, actor, action, reason, detail) VALUES (?, ?, ?, ?, ?, ?)",
      [user?.text, now, actor.text, action, reason, detail])
  }
}

extension Array {
  /// A page of at most `limit` of these, which were read with one more than that.
  func page(limit: Int, start: (Element) -> PageStart) -> Page<Element> where Element: Sendable {
    guard count > limit else { return Page(items: self, next: nil) }
    let items = Array(prefix(limit))
    return Page(items: items, next: items.last.map(start))
  }
}
