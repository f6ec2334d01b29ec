/// Runs a batch of operations in one transaction: one commit, then every answer.
///
/// Savepoints cost every operation two statements and a copy of each page that it changes, for the sake of the few that fail after they have
/// written. So a batch runs without them at first. If such an operation is in it all is rolled back, and the batch runs once more, each
/// operation under a savepoint of its own.
struct GroupCommit {
  /// After this many operations of a batch, tried alone, found the disk full, the rest fail without a try.
  static let fullTriesMax = 4
  /// A batch that has run for this long is committed with what it has; the rest waits for the next.
  static let runMax: Duration = .milliseconds(20)

  /// The engine rolled the whole transaction back at a statement: nothing of the batch is there.
  private struct RolledBack: Error {}

  let writer: any LedgerWriter

  /// Answers the first operations of `batch`, at least one if there is any; how many. Throws `busy` when another program holds the file,
  /// then nobody has been answered, and what is fatal: those of the batch that were not answered before have been told just that.
  func run(_ batch: [WriteQueue.Item]) throws(LedgerFailure) -> Int {
    do {
      if let answered = try together(batch, isGuarded: false) { return answered }
      return try together(batch, isGuarded: true) ?? 0
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

  /// All in one transaction, as far as the time goes. Throws if it was rolled back, and gives nil if an operation without a savepoint failed
  /// after it had written: nobody has been answered then.
  private func together(_ batch: [WriteQueue.Item], isGuarded: Bool) throws(LedgerFailure) -> Int? {
    var answers: [@Sendable () -> Void] = []
    var isUnclean = false
    answers.reserveCapacity(batch.count)
    do throws(LedgerFailure) {
      try writer.transaction {
        answers.removeAll(keepingCapacity: true)
        let start = ContinuousClock.now
        for item in batch where answers.isEmpty || start.duration(to: .now) < Self.runMax {
          let changedBefore = writer.changedRows
          do {
            answers.append(isGuarded ? try writer.savepoint { try item.run(writer) } : try item.run(writer))
          } catch {
            guard writer.isInTransaction else { throw RolledBack() }
            if (error as? LedgerFailure)?.isFatal == true { throw error }
            isUnclean = !isGuarded && writer.changedRows != changedBefore
            guard !isUnclean else { throw RolledBack() }
            answers.append { item.fail(error) }
          }
        }
      }
    } catch {
      guard isUnclean, !error.isFatal else { throw error }
      return nil
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
        try writer.transaction {
          refusal = nil
          do {
            answer = try item.run(writer)
          } catch {
            refusal = error
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
}
