import Foundation
import GatehouseLedger
import LedgerSQLite
import Logging

/// The write queue of the ledger alone, without HTTP and rules: as many writes as it takes, from many tasks at once.
///
///     queue-bench LEDGER UNITS FIRST SECONDS
///
/// It begins with line FIRST of the file UNITS and prints how many it wrote, and in how many microseconds.
@main struct QueueBench {
  /// Writes on their way at once: as many as share one commit.
  static let tasks = 256

  static func main() async throws {
    let words = CommandLine.arguments
    guard words.count == 5, let first = Int(words[3]), let seconds = Int(words[4]) else {
      FileHandle.standardError.write(Data("queue-bench LEDGER UNITS FIRST SECONDS\n".utf8))
      exit(2)
    }
    let units = try Units(file: words[2], first: first)
    let ledger = try LedgerDatabase.sqlite(path: words[1], onFatal: { _ in exit(1) }, log: Logger(label: "queue-bench"))
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(seconds)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<tasks {
        group.addTask {
          while clock.now < end, let unit = units.next() {
            // Not on the writer's thread, as in the service.
            let answer = unit.answer()
            try await ledger.write { try unit.write(answer, into: $0) }
          }
        }
      }
      try await group.waitForAll()
    }
    let took = (clock.now - start) / .microseconds(1)
    await ledger.close()
    print(#"{"units": \#(units.taken), "microseconds": \#(Int(took))}"#)
  }
}
