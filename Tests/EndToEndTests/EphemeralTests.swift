import Foundation
import StrictJSON
import TestSupport
import Testing

/// The remains of a service for tests that is not let end.
@Suite(.serialized) struct EphemeralTests {
  private struct Started {
    let server: CommandProcess
    let data: String
  }

  private func start(_ temporary: String) async throws -> Started {
    let server = try CommandProcess(["serve", "--ephemeral"], environment: ["TMPDIR": temporary])
    try await eventually("it says where it is: \(server.err)", within: .seconds(60)) {
      if !server.isRunning { throw RunningService.Failure(description: "it ended: \(server.err)") }
      return server.out.hasSuffix("\n")
    }
    guard case .object(let said) = try JSONValue.parse(Array(server.out.utf8)), case .string(let data)? = said["data"] else {
      throw RunningService.Failure(description: "no JSON: \(server.out)")
    }
    return Started(server: server, data: data)
  }

  /// The children of a process, as the kernel tells.
  private func children(_ process: Int32) throws -> [Int32] {
    let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
    return tasks.flatMap { task in
      ((try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? "").split(separator: " ").compactMap {
        Int32($0)
      }
    }
  }

  @Test("After SIGKILL its Redis is gone with it, and the next start clears its folder, but none that is in use")
  func killed() async throws {
    let temporary = "/tmp/gh-eph-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: temporary) }
    let foreign = temporary + "/gatehouse-of-somebody"
    try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: false)
    let (killed, living) = (try await start(temporary), try await start(temporary))
    let redis = try #require(try children(killed.server.identifier).first, "its Redis")
    killed.server.signal(SIGKILL)
    _ = try await killed.server.outcome()
    try await eventually("its Redis is gone", within: .seconds(10)) { kill(redis, 0) != 0 && errno == ESRCH }
    #expect(FileManager.default.fileExists(atPath: killed.data))
    let next = try await start(temporary)
    #expect(!FileManager.default.fileExists(atPath: killed.data))
    #expect(FileManager.default.fileExists(atPath: living.data) && FileManager.default.fileExists(atPath: foreign))
    try await next.server.stop()
    try await living.server.stop()
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == ["gatehouse-of-somebody"])
  }
}
