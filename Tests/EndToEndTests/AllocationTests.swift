import Foundation
import TestSupport
import Testing

/// The cost of a request of the gate, counted in allocations: unlike time, they repeat.
@Suite("The cost of a question to the gate", .serialized) struct AllocationTests {
  /// The allocations of a whole process, as a library that is preloaded counts them.
  private struct Count {
    private static let bytes = 8
    let library: String
    let file: String

    init(in folder: String) throws {
      library = folder + "/counted_allocations.so"
      file = folder + "/allocations"
      let source = RunningService.root.path + "/Tests/Harness/counted_allocations.c"
      try compile(source, to: library)
      try Data(count: Self.bytes).write(to: URL(fileURLWithPath: file))
    }

    var environment: [String: String] { ["LD_PRELOAD": library, "ALLOCATIONS_FILE": file] }

    var now: Int {
      get throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        return data.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      }
    }

    private func compile(_ source: String, to library: String) throws {
      let compiler = Process()
      compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      compiler.arguments = ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source]
      try compiler.run()
      compiler.waitUntilExit()
      guard compiler.terminationStatus == 0 else { throw RunningService.Failure(description: "\(source) does not compile") }
    }
  }

  private static let requests = 400

  /// Allocations of each of many equal requests on one connection. Those of the process beside them are counted as well; they are few.
  private static func cost(of request: String, _ service: RunningService, _ count: Count) async throws -> Int {
    let client = try await RawHTTP.connect(port: service.port())
    for _ in 0..<50 {
      try await client.send(request)
      #expect(try await client.answer().status == 200)
    }
    let before = try count.now
    for _ in 0..<requests {
      try await client.send(request)
      #expect(try await client.answer().status == 200)
    }
    let cost = try (count.now - before) / requests
    await client.close()
    return cost
  }

  /// Unoptimized code allocates several times as much.
  #if DEBUG
    private static let bounds = (auth: 900, gate: 1_250)
  #else
    private static let bounds = (auth: 90, gate: 120)
  #endif

  @Test("A request in the plain form costs no more than its bound, and less than by its route")
  func bounded() async throws {
    let folder = "/tmp/gha-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let count = try Count(in: folder)
    let limits = ["GATEHOUSE_POLICIES_API_LIMIT_BY_PLAN_PRO": "1000000"]
    try await RunningService.with(environment: count.environment.merging(limits) { $1 }) { service in
      let (token, key) = (try await service.proUser().token, try service.serviceKey("gate"))
      let body = #"{"token":"\#(token)"}"#
      let cases = [
        (
          "auth", Self.bounds.auth,
          "GET /v1/auth/api HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"
        ),
        (
          "gate", Self.bounds.gate,
          "POST /v1/gate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        ),
      ]
      for (name, bound, request) in cases {
        let fast = try await Self.cost(of: request, service, count)
        let routed = try await Self.cost(of: FastPathTests.routed(request), service, count)
        #expect(fast <= bound && fast < routed, "\(name): \(fast) in the channel, \(routed) by the route")
      }
    }
  }
}
