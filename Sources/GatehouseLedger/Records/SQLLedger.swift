import GatehouseCore
import GatehouseCrypto
import Logging
import Synchronization

/// The domain's durable store over any engine: every call is one transaction of the write queue or one read of the read queue.
public final class SQLLedger: Sendable {
  let database: LedgerDatabase
  let rules: Rules
  let addresses: AddressDigests
  /// Makes digests of what limits count. It is the ledger's own and stays when the server secret changes or is lost: with another key
  /// every window would begin anew, and so end a limit.
  public let subjects: MacKey
  private let log: Logger
  private let nextReport = Mutex(ContinuousClock.now)

  /// The part of the configuration that decides about rows.
  struct Rules: Sendable {
    let live: any LiveRules
    let isQuiet: @Sendable () -> Bool

    func allowances() -> AllowanceTable { live.allowances }
    func timeouts(_ kind: SessionClass) -> SessionTimeouts { live.timeouts(kind) }
    func retention() -> Settings.Retention { live.retention }

    /// The instant that the age of a row is judged by. Just after time jumped it is 0: then no row is too old.
    func aging(_ now: Int64) -> Int64 { isQuiet() ? 0 : now }

    func plan(of user: User, now: Int64) -> String {
      let table = allowances()
      return table.known(user.plan(atMilliseconds: now, fallback: table.defaultPlan))
    }
  }

  /// Serves an open ledger with a server secret, whose lines it writes down. Blocks the thread.
  /// - Parameter isQuiet: whether time jumped a short while ago, so that nothing may end for its age.
  public init(
    database: LedgerDatabase, secret: LiveSecret, rules: any LiveRules, isQuiet: @escaping @Sendable () -> Bool = { false }, log: Logger
  ) throws {
    self.database = database
    subjects = try database.adopt(secret.now)
    addresses = AddressDigests { secret.now.keys(.emailDay) }
    self.rules = Rules(live: rules, isQuiet: isQuiet)
    self.log = log
  }

  /// Whether writes are taken: false once it is closed, or stopped by a commit of unknown outcome.
  public var isUp: Bool { database.isOpen }

  /// The faults in the store's structure; empty if it is sound. Reads all of it.
  public func faults() async throws -> [String] { try await database.faults() }

  /// Waits until the queues are empty and closes the store.
  public func close() async { await database.close() }

  func write<T: Sendable>(_ body: @escaping @Sendable (any LedgerTransaction) throws -> T) async throws(ServiceError) -> T {
    do { return try await database.write(body) } catch { throw serviceError(error) }
  }

  /// Writes rows under ids that were made for them. If the ledger refuses a row it writes once more, under `others`, as it may have had one
  /// of the ids already: ids of a moment are told apart by 40 random bits, so that at 10,000 a second two are the same about once in eight
  /// days.
  func write<Names: Sendable, T: Sendable>(
    under names: Names, or others: @Sendable () -> Names, _ body: @escaping @Sendable (any LedgerTransaction, Names) throws -> T
  ) async throws(ServiceError) -> T {
    do { return try await database.write { db in try body(db, names) } } catch {
      guard (error as? LedgerFailure)?.kind == .constraint else { throw serviceError(error) }
    }
    let renamed = others()
    return try await write { db in try body(db, renamed) }
  }

  func read<T: Sendable>(
    for lane: LedgerDatabase.Lane = .decisions, _ body: @escaping @Sendable (any LedgerReader) throws -> T
  ) async throws(ServiceError) -> T {
    do { return try await database.read(for: lane, body) } catch {
      let failure = serviceError(error)
      // A read has no outcome to doubt.
      throw failure.code == .outcomeUnknown ? ServiceError(.unavailable, "The ledger could not be read. Try again.") : failure
    }
  }

  private func serviceError(_ error: any Error) -> ServiceError {
    if (error as? LedgerFailure)?.kind == .damaged { database.suspectStore() }
    report(error)
    return Self.serviceError(error)
  }

  /// Tells the log what only it may know, once a second at most: a full disk must not be filled by saying so.
  private func report(_ error: any Error) {
    let failure = error as? LedgerFailure
    guard !(error is ServiceError), failure?.kind != .overloaded, failure?.kind != .closed else { return }
    let isDue = nextReport.withLock { next in
      guard ContinuousClock.now >= next else { return false }
      next = .now + .seconds(1)
      return true
    }
    guard isDue else { return }
    log.error("The ledger refused a call", metadata: ["failure": "\(failure?.description ?? String(describing: type(of: error)))"])
  }

  /// The domain's word for a failure of the store: by code, never by text.
  static func serviceError(_ error: any Error) -> ServiceError {
    if let error = error as? ServiceError { return error }
    guard let failure = error as? LedgerFailure else {
      return ServiceError(.unavailable, "The ledger could not answer. Try again.")
    }
    switch failure.kind {
    case .overloaded: return ServiceError(.overloaded, "Too many writes are waiting. Try again in a moment.", retryAfterSeconds: 1)
    case .outcomeUnknown, .fileReplaced:
      return ServiceError(.outcomeUnknown, "The write may or may not have happened. Repeat it with the same Idempotency-Key.")
    case .diskFull: return ServiceError(.unavailable, "There is no room on the disk to write this down. Nothing was changed.")
    case .busy, .closed, .migrated, .constraint, .damaged, .internal:
      return ServiceError(.unavailable, "The ledger could not write. Nothing was changed.")
    }
  }
}

extension LedgerTransaction {
  /// Every change passes here: its user's hot state must be dropped.
  func pending(_ user: UserID, now: Int64) throws -> PendingChange {
    let sequence = try number(HotRecord.nextSequence, [now]) ?? 0
    try run(HotRecord.setPending, [user.routingID, sequence])
    return PendingChange(routingID: user.routingID, sequence: sequence)
  }

  /// A change that is made passes here once: `pending` if hot state changes by it, else `stamp`.
  func made(changesHotState: Bool, _ user: UserID, now: Int64) throws -> [PendingChange] {
    if changesHotState { return [try pending(user, now: now)] }
    try stamp(now)
    return []
  }

  /// A write that changes no hot state passes here: no process may take the time to be before `now` any more.
  func stamp(_ now: Int64) throws { try run(HotRecord.stamp, [now]) }
}

extension Array {
  /// A page of at most `limit` of these, which were read with one more than that.
  func page(limit: Int, start: (Element) -> PageStart) -> Page<Element> where Element: Sendable {
    guard count > limit else { return Page(items: self, next: nil) }
    let items = Array(prefix(limit))
    return Page(items: items, next: items.last.map(start))
  }
}

extension PageRequest {
  /// The instant and id that a page's rows are before: `after`, or the end of the span, whichever is older.
  func bound(before end: Int64? = nil) -> (milliseconds: Int64, id: String) {
    let end = end ?? Int64.max
    guard let after, after.milliseconds < end else { return (end, "") }
    return (after.milliseconds, after.id)
  }
}
