import LedgerContract
import Testing

@testable import LedgerSQLite

/// Which file belongs to which log, by the numbers that both have.
@Suite("The number of the ledger's file") struct FileNumberTests {
  /// A file and its log through many lives: what is seen, what the file holds, and what a copy of it would have held at any time.
  private struct Ledger {
    var seen = FileNumber.first()
    var file = FileNumber(stored: 0)

    /// A log begins: the number goes up after its first commit.
    mutating func begin() { if seen == file, let next = file.next(over: file) { seen = next } }

    /// Just before a copy of the log into the file.
    mutating func seal() { if seen != file, let next = seen.next(over: file) { seen = next } }

    mutating func copy() { file = seen }
  }

  @Test("A file belongs to its log at every moment, whatever becomes of copies")
  func always() {
    for seed in 0..<200 {
      var random = SplitMix(seed: UInt64(seed))
      var ledger = Ledger()
      for _ in 0..<200 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: ledger.begin()
        // Sealed copies of which some come to nothing, and those of other programs, which seal nothing.
        case 1:
          ledger.seal()
          if Bool.random(using: &random) { ledger.copy() }
        case 2: ledger.copy()
        default: ledger.seal()
        }
        #expect(ledger.seen.isOf(ledger.file), "seed \(seed)")
      }
    }
  }

  @Test("No backup from before a sealed copy belongs to the log after it, nor to any later one")
  func older() throws {
    for seed in 0..<200 {
      var random = SplitMix(seed: UInt64(seed))
      var ledger = Ledger()
      var backups: [FileNumber] = []
      ledger.copy()
      for _ in 0..<100 {
        ledger.begin()
        backups.append(ledger.seen)
        // A program that seals nothing has copied it meanwhile, or not.
        if Bool.random(using: &random) { ledger.copy() }
        ledger.begin()
        backups.append(ledger.seen)
        ledger.seal()
        ledger.copy()
        ledger.begin()
        for backup in backups { try #require(!ledger.seen.isOf(backup), "seed \(seed): \(backup) passes for \(ledger.seen)") }
      }
    }
  }

  @Test("The number of a log that is set apart belongs to no file of before")
  func apart() {
    var ledger = Ledger()
    ledger.copy()
    for _ in 0..<5 {
      ledger.begin()
      for file in [ledger.file, ledger.seen] { #expect(!ledger.seen.apart.isOf(file)) }
      ledger.seal()
      for file in [ledger.file, ledger.seen] { #expect(!ledger.seen.apart.isOf(file)) }
      ledger.copy()
    }
  }

  @Test("Numbers of the older form are understood, and another ledger's are not", arguments: [7, 0x30000, 123_456] as [Int64])
  func oldForm(number: Int64) {
    let seen = FileNumber(stored: number)
    #expect(seen.isOf(FileNumber(stored: number)) && seen.isOf(FileNumber(stored: number - 1)))
    #expect(!seen.isOf(FileNumber(stored: number - 2)) && !seen.isOf(FileNumber(stored: number + 1)))
    #expect(!seen.isOf(FileNumber.first()))
    // The first of the newer form stands in the log alone until it is copied.
    #expect(FileNumber.first().isOf(seen))
  }
}
