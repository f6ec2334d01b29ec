import Foundation
import Synchronization
import TestSupport
import Testing

@testable import GatehouseCrypto

@Suite("The secret file")
struct SecretFileTests {
  /// A folder that lives as long as the body.
  private func inFolder(_ body: (_ path: String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-secret-\(SecureRandom.identifier(length: 14))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("secret").path)
  }

  private func write(_ text: String, to path: String, mode: Int = 0o600) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  @Test("The secret file is made once with mode 0600, alone in its folder, and read again as the same secret", .asvs("13.3.2"))
  func createAndLoad() throws {
    try inFolder { path in
      let made = try ServerSecret.loadOrCreate(path: path)
      let read = try ServerSecret.loadOrCreate(path: path)
      #expect(made.currentKeyID == read.currentKeyID)
      #expect(made.key(.cursors).hmac([1]) == read.key(.cursors).hmac([1]))
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["secret"])
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 2 && lines[0] == "gatehouse-secret 1" && lines[1].utf8.count == 6 + 1 + 64)
    }
  }

  @Test("Eight processes that start at once agree on one secret", arguments: 1...20)
  func race(round: Int) throws {
    try inFolder { path in
      let ids = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        let id = (try? ServerSecret.loadOrCreate(path: path).currentKeyID) ?? "failed"
        ids.withLock { $0.append(id) }
      }
      let all = ids.withLock { $0 }
      #expect(all.count == 8 && Set(all).count == 1 && all.first != "failed")
      let read = try ServerSecret.load(path: path)
      #expect(read.currentKeyID == all.first)
    }
  }

  @Test("Purposes and keys give different derived keys; a key is found by its id")
  func derivation() throws {
    let (new, old) = (ServerSecret.Root.random(), ServerSecret.Root.random())
    let secret = ServerSecret(newest: new, older: [old])
    let macs = ServerSecret.Purpose.allCases.flatMap { purpose in secret.keys(purpose).map { $0.hmac([1]) } }
    #expect(macs.count == 2 * ServerSecret.Purpose.allCases.count && Set(macs).count == macs.count)
    #expect(secret.currentKeyID == new.id)
    #expect(secret.key(.rotation, id: old.id)?.hmac([1]) == ServerSecret(newest: old, older: []).key(.rotation).hmac([1]))
    #expect(secret.key(.rotation, id: new.id)?.hmac([1]) == secret.key(.rotation).hmac([1]))
    #expect(secret.key(.rotation, id: "gone00") == nil)
  }

  @Test("A line put in front becomes the current key and the old one stays", .asvs("11.1.1"))
  func rotation() throws {
    try inFolder { path in
      let before = try ServerSecret.loadOrCreate(path: path)
      let line = try #require(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").last)
      try write("gatehouse-secret 1\nnewkey \(String(repeating: "5a", count: 32))\n\(line)\n", to: path)
      let after = try ServerSecret.load(path: path)
      #expect(after.currentKeyID == "newkey")
      #expect(after.key(.cursors, id: before.currentKeyID)?.hmac([1]) == before.key(.cursors).hmac([1]))
    }
  }

  static let key = String(repeating: "0f", count: 32)

  @Test(
    "A text that an editor has changed, but no key in it, is read",
    arguments: [
      "gatehouse-secret 1\nabc \(key)", "gatehouse-secret 1\r\nabc \(key)\r\n", "gatehouse-secret 1\nabc \(key)\n\n",
      "\n\ngatehouse-secret 1\n\nabc \(key)\n \t\n", "gatehouse-secret 1  \nabc \(key)\t \n", "gatehouse-secret 1\nabc  \(key)\n",
      "  gatehouse-secret 1\n\tabc\t\(key)\n", "gatehouse-secret 1\nabc \(key)\nabc \(key)\n", "\u{FEFF}gatehouse-secret 1\nabc \(key)\n",
      "gatehouse-secret 1\nabc \(key.uppercased())\n", "gatehouse-secret 1\n" + String(repeating: "abc \(key)\r\n\r\n", count: 9),
    ])
  func harmless(text: String) throws {
    try inFolder { path in
      try write("gatehouse-secret 1\nabc \(Self.key)\n", to: path)
      let plain = try ServerSecret.load(path: path)
      try write(text, to: path)
      #expect(try ServerSecret.load(path: path).lines == plain.lines)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text.utf8), "a file is read and not changed")
    }
  }

  static let good = "gatehouse-secret 1\ngood \(String(repeating: "1e", count: 32))\n"

  @Test(
    "A damaged line beside a whole one is named by its number and its fault, and nobody is told to give the secret up",
    arguments: [
      (good + "abc \(key.dropLast())\n", "line 3: its key has 63 hexadecimal digits in place of 64"),
      (good + "abc \(key)00", "line 3: its key has 66 hexadecimal digits in place of 64"),
      (good + "abc \(key.dropLast())g\n", "line 3: its key has a character that is no hexadecimal digit"),
      (good + "a_c \(key)\n", "line 3: its id must be 1 to 32 letters and digits"),
      (good + "\(String(repeating: "x", count: 33)) \(key)\n", "line 3: its id must be 1 to 32 letters and digits"),
      (good + "\(key)\n", "line 3: it is not an id, a space and a key"),
      (good + "\nabc\n\(key)\n", "line 4: it is not an id, a space and a key; line 5: it is not an id, a space and a key"),
      (good + "# the new line\n", "line 3: it is not an id, a space and a key"),
      (good + "good \(key)\n", "lines 2 and 3 have one id and two keys: give the one that was added last another id"),
      (good + (1...8).map { "k\($0) \(key)\n" }.joined(), "9 keys, and at most 8 are read: take the last ones out"),
      ("good \(key)\n", "its first line must be gatehouse-secret 1: put that above the keys"),
      ("abc \(key)\n" + good, "line 2, gatehouse-secret 1, must be the first: move it up"),
      (good + good, "line 3 is gatehouse-secret 1 again: take it out"),
      ("gatehouse-secret\ngood \(key)\n", "its first line must be gatehouse-secret 1: put that above the keys"),
      (good.replacing("secret 1", with: "secret 2"), "a later Gatehouse has written it: start that one"),
      (good + String(repeating: "x", count: 5_000), "it has more than 4096 bytes"),
    ])
  func damagedLine(text: String, fault: String) throws {
    try inFolder { path in
      try write(text, to: path)
      let failure = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.loadOrCreate(path: path) }
      let said = failure?.description ?? ""
      #expect(said.contains(fault) && said.contains(path), "\(said)")
      #expect(!said.contains("--new-secret") && !said.contains(Self.key.prefix(8)), "\(said)")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text, "a broken secret is never overwritten")
    }
  }

  @Test("A secret that an editor saved as UTF-16 is named as such")
  func wide() throws {
    try inFolder { path in
      for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
        let bytes = try #require("\u{FEFF}\(Self.good)".data(using: encoding))
        try bytes.write(to: URL(fileURLWithPath: path))
        chmod(path, 0o600)
        let failure = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.load(path: path) }
        #expect(failure?.description.contains("UTF-16") == true && failure?.description.contains("--new-secret") == false)
      }
    }
  }

  @Test(
    "A secret of which no line can be read is to be restored; the way without it says what it costs",
    arguments: [
      "", "\n", "gatehouse-secret 1\n", "gatehouse-secret 1\nabc \(key.dropLast())\n", "gatehouse-secret 1\nabc \(key)00\n",
      "gatehouse-secret 1\nabc \(key.dropLast())g\n", "gatehouse-secret 1\n \(key)\n", "gatehouse-secret 1\na_c \(key)\n",
      String(repeating: "a", count: 5_000), String(repeating: "\0", count: 90),
    ])
  func broken(text: String) throws {
    try inFolder { path in
      try write(text, to: path)
      let failure = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.loadOrCreate(path: path) }
      #expect(failure?.description.contains("restore it from a backup") == true)
      #expect(failure?.description.contains("with --new-secret: then every session ends and its user logs in again") == true)
      #expect(failure?.description.contains(Self.key) == false)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text, "a broken secret is never overwritten")
    }
  }

  @Test("A secret file that others may read is refused", arguments: [0o644, 0o640, 0o660, 0o606, 0o601])
  func openMode(mode: Int) throws {
    try inFolder { path in
      try write("gatehouse-secret 1\nabc \(Self.key)\n", to: path, mode: mode)
      let failure = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.loadOrCreate(path: path) }
      #expect(failure?.description.contains("chmod 600") == true)
    }
  }

  @Test("A folder in the secret's place, or a folder that is missing, is named")
  func noFile() throws {
    try inFolder { path in
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      let inPlace = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.loadOrCreate(path: folder) }
      #expect(inPlace?.description.contains("not a regular file") == true)
      let missing = #expect(throws: ServerSecret.Failure.self) { try ServerSecret.loadOrCreate(path: "\(folder)/none/secret") }
      #expect(missing?.description.contains("can't be written") == true)
      #expect(throws: ServerSecret.Failure.self) { try ServerSecret.load(path: "\(folder)/none") }
    }
  }
}
