import NIOCore
import Foundation
import Logging
import NIOPosix
import Synchronization
import TestSupport
import Testing
import Threads

@testable import gatehouse

@Suite("Each event loop keeps to a core of its own", .serialized)
struct LoopCoresTests {
  private static let all = CoreSet(of: getpid())?.cores ?? []

  @Test("Each event loop keeps to a core of its own where there is one for each; a thread that a loop makes runs on all of them")
  func kept() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: Self.all.count)
    let keeping = Task { try await LoopCores(group: group, log: Logger(label: "loop-cores")).run() }
    let threads = try await Self.threads(group)
    // Of one core there is nothing to choose.
    try await eventually("every loop has its core") { threads.flatMap { CoreSet(of: $0)?.cores ?? [] } == Self.all }
    let maker = MadeThread()
    try await group.next().submit { maker.make() }.get()
    try await eventually("the thread that a loop has made is let go") { maker.number.flatMap { CoreSet(of: $0)?.cores } == Self.all }
    #expect(threads.flatMap { CoreSet(of: $0)?.cores ?? [] } == Self.all, "the loops stay")
    maker.end()
    keeping.cancel()
    try await keeping.value
    try await group.shutdownGracefully()
  }

  @Test("No event loop keeps to a core where there are more loops than cores: other processes would take the same ones")
  func moreLoops() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: Self.all.count + 1)
    let all = try #require(CoreSet(of: getpid()))
    #expect(await LoopCores(group: group, log: Logger(label: "loop-cores")).keep(all).isEmpty)
    for thread in try await Self.threads(group) { #expect(CoreSet(of: thread) == all) }
    try await group.shutdownGracefully()
  }

  @Test("Each event loop of the program keeps to a core of its own, and hashing and the rest run on all cores")
  func program() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder)
      _ = try await service.newUser(at: server.port)
      let tasks = "/proc/\(server.identifier)/task"
      func threads(_ prefix: String) throws -> [[Int]?] {
        try FileManager.default.contentsOfDirectory(atPath: tasks).compactMap { pid_t($0) }.sorted().filter {
          (try? String(contentsOfFile: "\(tasks)/\($0)/comm", encoding: .utf8))?.hasPrefix(prefix) == true
        }.map { CoreSet(of: $0)?.cores }
      }
      // Under a CPU quota there are fewer loops than cores.
      let loops = try threads("NIO-").count
      let kept = loops == Self.all.count ? Self.all.map { [$0] } : Array(repeating: Self.all, count: loops)
      try await eventually("every loop has its core") { try threads("NIO-") == kept }
      #expect(try threads("hash-").allSatisfy { $0 == Self.all })
      #expect(try threads("gatehouse") == [Self.all])
      #expect(try await server.stop().status == 0)
    }
  }

  /// The threads of a group's loops, in their order.
  private static func threads(_ group: MultiThreadedEventLoopGroup) async throws -> [pid_t] {
    var threads: [pid_t] = []
    for loop in group.makeIterator() { threads.append(try await loop.submit { CurrentThread.number }.get()) }
    return threads
  }
}

/// A thread that waits for its end.
private final class MadeThread: Sendable {
  private let made = Mutex<pid_t?>(nil)
  private let ending = DispatchSemaphore(value: 0)

  /// Its number, once it runs.
  var number: pid_t? { made.withLock { $0 } }

  /// Called on the thread whose cores it shall begin on.
  func make() {
    Thread.detachNewThread {
      self.made.withLock { $0 = CurrentThread.number }
      self.ending.wait()
    }
  }

  func end() { ending.signal() }
}
