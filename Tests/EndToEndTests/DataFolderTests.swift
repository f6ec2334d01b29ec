import Foundation
import TestSupport
import Testing

@testable import gatehouse

/// Where a service keeps its things: which paths it takes, and what it leaves where it takes none.
@Suite(.serialized) struct DataFolderTests {
  private func inFolder(_ body: (String) async throws -> Void) async throws {
    let folder = "/tmp/gh-folder-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private static let anyPorts = ["--port", "0", "--ops-port", "0"]

  private func refused(_ data: String, environment: [String: String] = [:], says text: String) async throws {
    let outcome = try await CommandProcess(["serve", "--data=\(data)"] + Self.anyPorts, environment: environment).outcome()
    #expect(outcome.status == 1, "\(data)")
    #expect(outcome.err.contains(text) && outcome.err.split(separator: "\n").count == 1, "\(outcome.err)")
  }

  @Test("The longest path that is taken holds every socket of any process; a longer one is refused with its bound, and not made")
  func bound() async throws {
    #expect(DataFolder.pathBytesMax + 1 + "ops-4194304.sock".utf8.count == DataFolder.socketPathBytesMax)
    try await inFolder { folder in
      let sockets = OpsSockets(folder: folder)
      for name in [sockets.fresh, sockets.command, "\(folder)/ops-4194304.sock", "\(folder)/redis.sock"] {
        #expect(name.utf8.count - folder.utf8.count - 1 <= OpsSockets.nameBytesMax, "\(name)")
      }
      let longest = folder + "/" + String(repeating: "x", count: DataFolder.pathBytesMax - folder.utf8.count - 1)
      let server = try await CommandProcess.serve(longest)
      let listed = try await CommandProcess.run("key", "list", "--data", longest)
      #expect(listed.status == 0, "\(listed.err)")
      try await server.stop()
      try await refused(longest + "x", says: "use one of at most \(DataFolder.pathBytesMax) bytes")
      #expect(!FileManager.default.fileExists(atPath: longest + "x"))
    }
  }

  @Test("A path below a folder that is not there makes no service; neither does a start that is refused for another reason")
  func typo() async throws {
    try await inFolder { folder in
      try await refused("\(folder)/tpyo/data", says: "there is no \(folder)/tpyo. Correct the path, or make that folder first.")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/tpyo"))
      let config = "\(folder)/own.yaml"
      try "http: {host: 192.0.2.1, port: 0}".write(toFile: config, atomically: true, encoding: .utf8)
      try await refused("\(folder)/data", environment: ["GATEHOUSE_CONFIG": config], says: "not an address of this machine")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/data"))
    }
  }

  @Test("The path ~/ is the home folder, in the flag, the environment and the file; any other ~ is refused")
  func home() async throws {
    try await inFolder { folder in
      let home = ["HOME": folder]
      let server = try CommandProcess(
        ["serve", "--data=~/here"] + Self.anyPorts, environment: CommandProcess.fastHashes.merging(home) { $1 }, directory: folder)
      try await eventually("it serves: \(server.err)", within: .seconds(60)) { server.out.contains("data in \(folder)/here") }
      let listed = try await CommandProcess(["key", "list"], environment: ["GATEHOUSE_DATA": "~/here"].merging(home) { $1 }).outcome()
      #expect(listed.status == 0, "\(listed.err)")
      try await server.stop()
      for wrong in ["~", "~/", "~mia/data", "~mia"] {
        try await refused(wrong, environment: home, says: "write a path such as ~/gatehouse")
      }
      let made = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(made == ["here"], "\(made)")
    }
  }

  @Test("Without a home there is no ~/: no folder is made at the root of the file system", arguments: ["", "here", "."])
  func homeless(_ home: String) async throws {
    let name = "gh-homeless-\(UInt32.random(in: 0...UInt32.max))"
    try await refused("~/\(name)", environment: ["HOME": home], says: "HOME is \"\(home)\", which is no path from /")
    #expect(!FileManager.default.fileExists(atPath: "/\(name)") && !FileManager.default.fileExists(atPath: "\(home)/\(name)"))
  }

  @Test("A path that is not UTF-8 is refused and becomes no other folder, in the flag, the environment and the file")
  func notUTF8() async throws {
    try await inFolder { folder in
      let odd = "$(printf 'x\\377y')"
      let says = "is not UTF-8"
      let ways = [("", "--data \(folder)/\(odd)"), ("GATEHOUSE_DATA=\(folder)/\(odd)", ""), ("HOME=\(folder)/\(odd)", "--data '~/x'")]
      for (assignment, flag) in ways {
        let script = "\(assignment) exec \"$0\" serve --port 0 --ops-port 0 \(flag)"
        let outcome = try await CommandProcess([], directory: folder, under: ["sh", "-c", script]).outcome()
        #expect(outcome.status == 1 && outcome.err.contains(says) && outcome.err.split(separator: "\n").count == 1, "\(outcome)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test("A secret of another user is named with its owner and the way back, as every other file is", .enabled(if: geteuid() == 0))
  func foreignSecret() async throws {
    try await inFolder { folder in
      let server = try await CommandProcess.serve(folder)
      try await server.stop()
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) + [""] { chown("\(folder)/\(name)", 65_534, 65_534) }
      chown("\(folder)/secret", 0, 0)
      let under = ["setpriv", "--reuid", "65534", "--clear-groups"]
      let outcome = try await CommandProcess(["serve", "--data", folder] + Self.anyPorts, under: under).outcome()
      #expect(outcome.status == 1, "\(outcome)")
      #expect(outcome.err.contains("\(folder)/secret can't be opened (Permission denied): it belongs to root"), "\(outcome)")
      #expect(outcome.err.contains("chown -R"))
    }
  }

  @Test("A lock that can't be opened is named as what it is, to a server and to a command")
  func lock() async throws {
    try await inFolder { folder in
      let server = try await CommandProcess.serve(folder)
      try await server.stop()
      unlink(folder + "/lock")
      try FileManager.default.createDirectory(atPath: folder + "/lock", withIntermediateDirectories: false)
      try await refused(folder, says: "\(folder)/lock can't be opened (Is a directory)")
      let listed = try await CommandProcess.run("key", "list", "--data", folder)
      #expect(listed.status == 1 && listed.err.contains("\(folder)/lock can't be opened (Is a directory)"), "\(listed.err)")
      let denied = DataFolder.unusable(folder + "/lock", in: folder, EACCES).description
      #expect(denied == "\(folder)/lock can't be opened (Permission denied): check its owner, its mode and the disk.")
      // Only root can give a file to somebody else: then the sentence says whose it is and what to do.
      if chown(folder + "/lock", 1, 1) == 0 {
        let foreign = DataFolder.unusable(folder + "/lock", in: folder, EACCES).description
        #expect(foreign.contains("it belongs to daemon") && foreign.contains("chown -R root \(folder)"), "\(foreign)")
      }
    }
  }

  /// A socket that listens, as a process of any number in any container would have it.
  private func listener(_ path: String) throws -> Int32 {
    let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    try #require(bound == 0 && listen(file, 1) == 0)
    return file
  }

  @Test("Two processes of one number on one volume each have a socket; only what nobody listens on is removed, and its owner's alone")
  func equalNumbers() async throws {
    try await inFolder { folder in
      let sockets = OpsSockets(folder: folder)
      let (first, second) = (OwnSocket(sockets), OwnSocket(sockets))
      let one = try listener(first.fresh)
      let firstPath = try #require(first.publish())
      #expect(firstPath == "\(folder)/ops-\(getpid()).sock")
      let two = try listener(second.fresh)
      let secondPath = try #require(second.publish())
      #expect(secondPath != firstPath && sockets.all.sorted() == [firstPath, secondPath].sorted())
      let file = "\(folder)/ops-1.sock"
      #expect(FileManager.default.createFile(atPath: file, contents: nil))
      sockets.removeStale()
      #expect(sockets.all.count == 3, "a socket with a listener stays, and so does a file that is no socket")
      close(one)
      let third = OwnSocket(sockets)
      let three = try listener(third.fresh)
      #expect(third.publish() == firstPath, "the place of one that is gone is taken")
      first.remove()
      #expect(OpsSockets.isListening(firstPath), "a process that has lost its place takes nobody else's")
      close(two)
      sockets.removeStale()
      #expect(sockets.all.sorted() == [file, firstPath].sorted())
      third.remove()
      close(three)
      #expect(sockets.all == [file])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["ops-1.sock"], "nothing is left aside")
    }
  }
}
