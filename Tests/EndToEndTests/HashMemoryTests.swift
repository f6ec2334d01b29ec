import Foundation
import GatehouseCrypto
import TestSupport
import Testing

/// A cost of hashing that the process has no memory for.
@Suite(.serialized) struct HashMemoryTests {
  @Test("Whether hashes have their memory is asked of the system, not tried on users")
  func fits() throws {
    #expect(Argon2Parameters.standard.fits(threads: 1))
    let most = try #require(Argon2Parameters(memoryKiB: Argon2Parameters.memoryKiBMax, passes: 1, lanes: 1))
    #expect(!most.fits(threads: 1_000_000) && !most.fits(threads: .max))
  }

  /// The address space that a server takes at its most, in KiB.
  private func addressSpace(_ process: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    return try #require(status.firstMatch(of: /VmPeak:\s+(\d+) kB/).flatMap { Int($0.output.1) })
  }

  @Test("More memory than the process may have: the start is refused in a sentence, a reload changes nothing, a login that needs it is 503")
  func limited() async throws {
    try await RunningService.with(processes: 0) { service in
      let free = try await CommandProcess.serve(service.folder)
      let spare = 400_000
      let limit = try addressSpace(free.identifier) + spare
      try await free.stop()
      try await expectRefusals(service, under: ["prlimit", "--as=\(limit * 1024)"])
    }
  }

  /// A control group with this bound; nil where this process may make none.
  private func group(_ bytes: Int) throws -> String? {
    let name = "gatehouse-test-\(UInt32.random(in: 0...UInt32.max))"
    for (place, file) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
      let path = "\(place)/\(name)"
      guard access("\(place)/cgroup.procs", W_OK) == 0, mkdir(path, 0o755) == 0 else { continue }
      if (try? "\(bytes)".write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)) != nil { return path }
      rmdir(path)
    }
    return nil
  }

  @Test("The bound of a control group, or of one above it, is kept as any other: it would kill without a word")
  func bounded() async throws {
    // Elsewhere ControlGroupsTests alone say it: what may be done here depends on the machine.
    guard let above = try group(300 << 20) else { return }
    let inner = above + "/inner"
    defer {
      rmdir(inner)
      rmdir(above)
    }
    guard mkdir(inner, 0o755) == 0 else { return }
    for group in [above, inner] {
      try await RunningService.with(processes: 0) { service in
        try await expectRefusals(service, under: ["sh", "-c", "echo $$ > \(group)/cgroup.procs && exec \"$0\" \"$@\""])
      }
    }
  }

  private func expectRefusals(_ service: RunningService, under: [String]) async throws {
    let config = service.folder + "/own.yaml"
    let beyond = "password: {argon_memory_kib: 1048576, argon_passes: 1}"
    try beyond.write(toFile: config, atomically: true, encoding: .utf8)
    let words = ["serve", "--data", service.folder, "--port", "0", "--ops-port", "0", "--config", config]
    let refused = try await CommandProcess(words, environment: ["GATEHOUSE_LOGIN_FLOOR_MS": "0"], under: under).outcome()
    #expect(refused.status == 1 && refused.err.hasPrefix("Error: password.argon_memory_kib is 1048576: "), "\(refused.err)")
    #expect(refused.err.split(separator: "\n").count == 1)

    try "password: {argon_memory_kib: 64, argon_passes: 1}".write(toFile: config, atomically: true, encoding: .utf8)
    let server = try CommandProcess(words, environment: ["GATEHOUSE_LOGIN_FLOOR_MS": "0"], under: under)
    try await eventually("it serves: \(server.err)", within: .seconds(60)) { server.out.contains("TOKEN\" ") }
    let (user, other) = (try await service.newUser(at: server.port), try await service.newUser(at: server.port))
    try beyond.write(toFile: config, atomically: true, encoding: .utf8)
    server.signal(SIGHUP)
    try await eventually("the reload is refused: \(server.err)", within: .seconds(30)) {
      server.err.contains("password.argon_memory_kib is 1048576")
    }
    let dear = "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + String(repeating: "A", count: 43)
    _ = try service.ledger("UPDATE users SET password_hash = '\(dear)' WHERE id = '\(user.id)'")
    func logIn(_ email: String) async throws -> RunningService.Answer {
      try await service.ask(
        "POST", "/v1/sessions", at: server.port, body: #"{"email":"\#(email)","password":"\#(RunningService.password)"}"#)
    }
    let short = try await logIn(user.email)
    #expect(short.status == 503 && short.headers["retry-after"] != nil, "\(short.status) \(short.text("code") ?? "")")
    #expect(try await logIn(other.email).status == 201)
    #expect(server.isRunning)
    try await server.stop()
  }
}
