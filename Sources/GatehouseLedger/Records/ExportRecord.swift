import GatehouseCore

/// One account within one read transaction.
private struct Records: AccountRecords {
  let id: UserID
  let db: any LedgerTransaction
  let rules: SQLLedger.Rules
  let isOpen: () -> Bool

  func user() throws -> User? { try db.row(UserRecord.byID, [id.text]).map(User.init(row:)) }

  func allowances(now: Int64) throws -> [Allowance] {
    guard let user = try user() else { return [] }
    return try StandingRecord.allowances(user, db, rules, now: now)
  }

  func sessions(first: SessionID?, page: PageRequest, now: Int64) throws -> Page<Session> {
    try SessionRecord.page(of: id, first: first, page, db, rules, now: now)
  }

  func analyses(page: PageRequest) throws -> Page<Analysis> {
    try goOn()
    return try AnalysisRecord.page(of: id, AnalysisFilter(includesResult: true), page, db)
  }

  func usageEvents(page: PageRequest) throws -> Page<UsageEvent> {
    try goOn()
    return try UsageRecord.page(of: id, from: nil, to: nil, page, db)
  }

  func feed(page: PageRequest) throws -> Page<FeedEvent> {
    try goOn()
    let found = try EventRecord.page(of: id, after: page.after?.milliseconds ?? 0, limit: page.limit, db)
    return Page(items: found, next: found.count < page.limit ? nil : found.last.map { PageStart(milliseconds: $0.number, id: "") })
  }

  func audit(page: PageRequest) throws -> Page<AuditEntry> {
    try goOn()
    return try AuditRecord.page(of: id, page, db)
  }

  /// The end of the process does not wait for the whole of a large account.
  private func goOn() throws {
    guard isOpen() else { throw ServiceError(.unavailable, "This process is ending. Try again: another one answers.") }
  }
}

extension SQLLedger: ExportLedger {
  /// Gives `body` one account in one snapshot, on the readers of exports alone, and what `body` gives to the caller. Throws what `body`
  /// does, `overloaded` beyond the bound of exports that wait, `unavailable` once the ledger is closed.
  public func export<T: Sendable>(of user: UserID, _ body: @escaping @Sendable (any AccountRecords) throws -> T) async throws -> T {
    let (rules, database) = (rules, database)
    return try await read(for: .exports) { db in try body(Records(id: user, db: db, rules: rules, isOpen: { database.isOpen })) }
  }
}
