import GRDB

/// Runs a batch of operations in one transaction: each under its own savepoint, one commit, then every answer.
struct GroupCommit {
  /// SQLite rolled the whole transaction back at a statement: nothing of the batch is there.
  private struct RolledBack: Error {}

  let db: Database
  let bounds: WriteQueue.Bounds

  /// Answers every item. Throws only when the outcome of a commit is unknown; nobody has been told anything but that then.
  func run(_ batch: [WriteQueue.Item]) throws(LedgerFailure) {
    do {
      try together(batch)
    } catch {
      guard error.kind != .outcomeUnknown else {
        for item in batch { item.fail(error) }
        throw error
      }
      try eachAlone(batch)
    }
  }

  /// All in one transaction. Throws if it was rolled back: nobody has been answered then.
  private func together(_ batch: [WriteQueue.Item]) throws(LedgerFailure) {
    var answers: [@Sendable () -> Void] = []
    answers.reserveCapacity(batch.count)
    do {
      try db.inTransaction(.immediate) {
        for item in batch {
          do {
            answers.append(try underSavepoint(item))
          } catch {
            guard db.isInsideTransaction else { throw RolledBack() }
            if LedgerFailure(error)?.kind == .outcomeUnknown { throw error }
            answers.append { item.fail(LedgerFailure(error) ?? error) }
          }
        }
        return .commit
      }
    } catch {
      throw LedgerFailure(error) ?? LedgerFailure(.internal("the batch was rolled back"))
    }
    for answer in answers { answer() }
  }

  /// One failed for all: each again in a transaction of its own, once.
  private func eachAlone(_ batch: [WriteQueue.Item]) throws(LedgerFailure) {
    var full = 0
    for (index, item) in batch.enumerated() {
      guard full < bounds.fullRetriesMax else {
        item.fail(LedgerFailure(.diskFull))
        continue
      }
      var answer: (@Sendable () -> Void)?
      do {
        try db.inTransaction(.immediate) {
          answer = try item.run(db)
          return .commit
        }
        answer?()
      } catch {
        let failure = LedgerFailure(error)
        if failure?.kind == .diskFull { full += 1 }
        item.fail(failure ?? error)
        if let failure, failure.kind == .outcomeUnknown {
          for left in batch[(index + 1)...] { left.fail(failure) }
          throw failure
        }
      }
    }
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
