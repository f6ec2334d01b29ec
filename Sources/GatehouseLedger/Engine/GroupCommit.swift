import GRDB

/// Runs a batch of operations in one transaction: each under its own savepoint, one commit, then every answer.
struct GroupCommit {
  /// After this many operations of a batch, tried alone, found the disk full, the rest fail without a try.
  static let fullTriesMax = 4
  /// A batch that has run for this long is committed with what it has; the rest waits for the next.
  static let runMax: Duration = .milliseconds(20)

  /// SQLite rolled the whole transaction back at a statement: nothing of the batch is there.
  private struct RolledBack: Error {}

  let db: Database
  /// Looks before each transaction whether the log still has what it should have.
  var check: () throws(LedgerFailure) -> Void = { () throws(LedgerFailure) in }
  /// Looks after each commit whether it went where it belongs, before anybody is answered.
  var verify: () throws(LedgerFailure) -> Void = { () throws(LedgerFailure) in }

  /// Answers the first operations of `batch`, at least one if there is any; how many. Throws `busy` when another program holds the file,
  /// then nobody has been answered, and `outcomeUnknown`: those of the batch that were not answered before have been told just that.
  func run(_ batch: [WriteQueue.Item]) throws(LedgerFailure) -> Int {
    do {
      return try together(batch)
    } catch {
      switch error.kind {
      case .busy: throw error
      case _ where error.isFatal:
        for item in batch { item.fail(error) }
        throw error
      default: return try eachAlone(batch)
      }
    }
  }

  /// All in one transaction, as far as the time goes. Throws if it was rolled back: nobody has been answered then.
  private func together(_ batch: [WriteQueue.Item]) throws(LedgerFailure) -> Int {
    var answers: [@Sendable () -> Void] = []
    answers.reserveCapacity(batch.count)
    let start = ContinuousClock.now
    try transaction {
      for item in batch where answers.isEmpty || start.duration(to: .now) < Self.runMax {
        do {
          answers.append(try underSavepoint(item))
        } catch {
          guard db.isInsideTransaction else { throw RolledBack() }
          let failure = LedgerFailure(error, systemErrno: db.logErrno)
          if failure?.isFatal == true { throw error }
          answers.append { item.fail(failure ?? error) }
        }
      }
    }
    for answer in answers { answer() }
    return answers.count
  }

  /// One failed for all: each again in a transaction of its own, once, until another program comes between.
  private func eachAlone(_ batch: [WriteQueue.Item]) throws(LedgerFailure) -> Int {
    var fullTries = Self.fullTriesMax
    for (index, item) in batch.enumerated() {
      guard fullTries > 0 else {
        item.fail(LedgerFailure(.diskFull))
        continue
      }
      var answer: (@Sendable () -> Void)?
      var refusal: (any Error)?
      do {
        try transaction {
          do {
            answer = try item.run(db)
          } catch {
            refusal = LedgerFailure(error, systemErrno: db.logErrno) ?? error
            throw error
          }
        }
        answer?()
      } catch {
        guard !error.isFatal else {
          for left in batch[index...] { left.fail(error) }
          throw error
        }
        if error.kind == .busy, refusal == nil {
          guard index > 0 else { throw error }
          return index
        }
        if error.kind == .diskFull { fullTries -= 1 }
        item.fail(refusal ?? error)
      }
    }
    return batch.count
  }

  /// Runs `body` and commits. After a throw nothing of it is there, or the failure is fatal.
  private func transaction(_ body: () throws -> Void) throws(LedgerFailure) {
    try check()
    var commits = false
    do {
      try db.inTransaction(.immediate) {
        try body()
        // An operation may have swallowed the error that rolled everything back.
        guard db.isInsideTransaction else { throw RolledBack() }
        commits = true
        return .commit
      }
    } catch {
      // GRDB rolls back whatever a failure left open; what can't be rolled back must not be written to again.
      guard !db.isInsideTransaction else { throw LedgerFailure(.outcomeUnknown) }
      if commits { throw LedgerFailure(atCommit: error, systemErrno: db.logErrno) }
      throw LedgerFailure(error, systemErrno: db.logErrno) ?? LedgerFailure(.internal("The transaction was rolled back."))
    }
    try verify()
  }

  private func underSavepoint(_ item: WriteQueue.Item) throws -> @Sendable () -> Void {
    try db.cachedStatement(sql: "SAVEPOINT item").execute()
    do {
      let answer = try item.run(db)
      try db.cachedStatement(sql: "RELEASE item").execute()
      return answer
    } catch {
      if db.isInsideTransaction {
        try db.cachedStatement(sql: "ROLLBACK TO item").execute()
        try db.cachedStatement(sql: "RELEASE item").execute()
      }
      throw error
    }
  }
}
