import Foundation
import Testing

@testable import GatehouseLedger
@testable import LedgerSQLite

@Suite("The holders of a lock")
struct LockHoldersTests {
  @Test("Lines of /proc/locks are read by file, kind and bytes")
  func lines() {
    let reader = LockHolders.Lock.readsLog
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  READ 4711 08:01:131074 123 124", inode: 131_074, reader) == 4_711)
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  READ 4711 08:01:131074 128 128", inode: 131_074, reader) == nil)
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  READ 4711 08:01:131074 0 EOF", inode: 131_074, reader) == 4_711)
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  WRITE 4711 08:01:131074 124 124", inode: 131_074, reader) == nil)
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  WRITE 4711 08:01:131074 120 120", inode: 131_074, .writesLog) == 4_711)
    #expect(LockHolders.process(in: "7: POSIX  ADVISORY  READ 4711 08:01:131075 124 124", inode: 131_074, reader) == nil)
    #expect(LockHolders.process(in: "7: FLOCK  ADVISORY  WRITE 4711 08:01:131074 0 EOF", inode: 131_074, .wholeFile) == 4_711)
    #expect(LockHolders.process(in: "7: -> FLOCK  ADVISORY  WRITE 4711 08:01:131074 0 EOF", inode: 131_074, .wholeFile) == nil)
    #expect(LockHolders.process(in: "7: OFDLCK ADVISORY  READ -1 08:01:131074 124 124", inode: 131_074, reader) == nil)
    #expect(LockHolders.process(in: "", inode: 131_074, reader) == nil)
  }

  @Test("A lock of this process is found, with its name, and gone when it is released")
  func own() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { unlink(path) }
    let file = open(path, O_RDWR | O_CREAT, 0o600)
    #expect(flock(file, LOCK_EX) == 0)
    let holder = try #require(LockHolders.of(path, .wholeFile).first)
    #expect(holder.process == ProcessInfo.processInfo.processIdentifier && holder.program != "?")
    close(file)
    #expect(LockHolders.of(path, .wholeFile).isEmpty)
  }
}
