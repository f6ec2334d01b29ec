import Foundation
import TestSupport
import Testing

/// The files of the ledger are removed, emptied or replaced, while a server runs and while none does.
@Suite(.serialized) struct LostFilesTests {
  /// A fault of the index of the ledger's log while the server runs.
  enum IndexFault: String, CaseIterable, Sendable {
    case removed, replaced, emptied, cut, zeroed, garbled

    func apply(_ index: String) throws {
      let whole = try Data(contentsOf: URL(fileURLWithPath: index))
      switch self {
      case .removed: try FileManager.default.removeItem(atPath: index)
      case .replaced:
        try FileManager.default.copyItem(atPath: index, toPath: index + ".x")
        #expect(rename(index + ".x", index) == 0)
      case .emptied, .cut:
        let file = try #require(FileHandle(forWritingAtPath: index))
        try file.truncate(atOffset: self == .emptied ? 0 : 100)
        try file.close()
      case .zeroed, .garbled:
        let file = try #require(FileHandle(forWritingAtPath: index))
        try file.write(contentsOf: Data(repeating: self == .zeroed ? 0 : 0xa5, count: whole.count))
        try file.close()
      }
    }
  }

  private func sizes(_ folder: String) throws -> [String: Int] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("gatehouse.sqlite") || $0 == "secret" }
    return try Dictionary(
      uniqueKeysWithValues: names.map {
        ($0, try FileManager.default.attributesOfItem(atPath: folder + "/" + $0)[.size] as? Int ?? 0)
      })
  }

  /// A user that was acknowledged can log in.
  private func canLogIn(_ service: RunningService, _ port: Int, _ email: String) async throws -> Bool {
    try await logIn(service, port, email).status == 201
  }

  private func logIn(_ service: RunningService, _ port: Int, _ email: String) async throws -> RunningService.Answer {
    let body = #"{"email":"\#(email)","password":"\#(RunningService.password)"}"#
    return try await service.ask("POST", "/v1/sessions", at: port, body: body)
  }

  @Test(
    "A server whose log's index is removed, replaced, cut or overwritten goes on or ends with 70 and a sentence; its next start has everything",
    arguments: IndexFault.allCases.flatMap { fault in
      // A program that comes to an index of which only a part is left reads old pages by it, whatever anybody does.
      fault == .cut ? [(fault, false)] : [(fault, false), (fault, true)]
    })
  func index(fault: IndexFault, othersWrite: Bool) async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      var users: [String] = []
      for _ in 0..<4 { users.append(try await service.newUser(at: server.port).email) }
      let ledger = service.folder + "/gatehouse.sqlite"
      try fault.apply(ledger + "-shm")
      if othersWrite {
        // Also through an index of its own.
        _ = try service.ledger("UPDATE users SET name = 'by hand'")
      }
      try await eventually("the server looks at its files: \(server.err)", within: .seconds(30)) {
        if !server.isRunning { return true }
        // A damaged index of the right file is made anew by SQLite.
        return fault == .zeroed || fault == .garbled || (othersWrite && fault == .emptied)
      }
      if server.isRunning {
        let more = try? await service.newUser(at: server.port).email
        if let more { users.append(more) }
        server.signal(SIGKILL)
        _ = try await server.outcome()
      } else {
        let end = try await server.outcome()
        #expect(end.status == 70, "\(end.err)")
        #expect(end.err.contains("docs/operations.md before") || end.err.contains("was cut while it was open"), "\(end.err)")
        #expect(!end.err.contains("Backtrace") && !end.err.contains("crashed"), "\(end.err)")
      }
      let again = try await CommandProcess.serve(service.folder, ["--check"])
      for email in users {
        let answer = try await logIn(service, again.port, email)
        #expect(answer.status == 201, "\(fault), \(othersWrite): \(answer.status) \(answer.text("code") ?? "")")
      }
      try await again.stop()
    }
  }

  @Test(
    "A lost ledger is not taken for a new service by any start, check or command; nothing is changed, and put back it has everything",
    arguments: [true, false], [true, false])
  func lost(killed: Bool, emptied: Bool) async throws {
    try await RunningService.with(processes: 0) { service in
      let folder = service.folder
      let ledger = folder + "/gatehouse.sqlite"
      let server = try await CommandProcess.serve(folder)
      let user = try await service.newUser(at: server.port)
      server.signal(killed ? SIGKILL : SIGTERM)
      _ = try await server.outcome()
      #expect(rename(ledger, folder + "/elsewhere") == 0)
      if emptied { #expect(FileManager.default.createFile(atPath: ledger, contents: nil)) }
      let before = try sizes(folder)
      let words = ["serve", "--data", folder, "--port", "0", "--ops-port", "0"]
      for more in [[], ["--check"], ["--new-secret"]] {
        let start = try await CommandProcess(words + more).outcome()
        #expect(start.status == 1 && start.err.contains("--new-ledger"), "\(start.err)")
        #expect(
          start.err.contains(emptied ? "it is empty" : "it is missing") && start.err.split(separator: "\n").count == 1, "\(start.err)")
        #expect(start.err.contains("secret"), "\(start.err)")
      }
      let command = try await CommandProcess.run("user", "list", "--data", folder)
      #expect(command.status == 1, "\(command.out)")
      #expect(try sizes(folder) == before)
      #expect(rename(folder + "/elsewhere", ledger) == 0)
      let again = try await CommandProcess.serve(folder)
      #expect(try await canLogIn(service, again.port, user.email))
      try await again.stop()
    }
  }

  @Test("A ledger that is emptied under a server ends it with 70, and no start begins anew until the operator says so")
  func emptiedUnderServer() async throws {
    try await RunningService.with(processes: 0) { service in
      let folder = service.folder
      let server = try await CommandProcess.serve(folder)
      let user = try await service.newUser(at: server.port)
      let file = try #require(FileHandle(forWritingAtPath: folder + "/gatehouse.sqlite"))
      try file.truncate(atOffset: 0)
      try file.close()
      #expect(try await server.outcome().status == 70)
      let words = ["serve", "--data", folder, "--port", "0", "--ops-port", "0"]
      let refused = try await CommandProcess(words).outcome()
      #expect(refused.status == 1 && refused.err.contains("--new-ledger"), "\(refused.err)")
      let anew = try await CommandProcess.serve(folder, ["--new-ledger"])
      #expect(try await canLogIn(service, anew.port, user.email) == false)
      let newcomer = try await service.newUser(at: anew.port)
      try await anew.stop()
      let twice = try await CommandProcess(words + ["--new-ledger"]).outcome()
      #expect(twice.status == 1 && twice.err.contains("leave the flag out"), "\(twice.err)")
      let plain = try await CommandProcess.serve(folder)
      #expect(try await canLogIn(service, plain.port, newcomer.email))
      try await plain.stop()
    }
  }
}
