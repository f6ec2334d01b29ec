import Foundation
import TestSupport
import Testing

@testable import gatehouse

@Suite("A log that nobody reads", .timeLimit(.minutes(3)))
struct StuckLogTests {
  @Test("With a full pipe as standard error a service starts, refuses, decides, answers /livez, and ends on SIGTERM")
  func service() async throws {
    try await RunningService.with(processes: 0) { service in
      let pipe = FullPipe()
      let server = try await CommandProcess.serve(
        service.folder, environment: ["GATEHOUSE_LOG_LEVEL": "trace"], errors: pipe.writing)
      let user = try await service.newUser(at: server.port)
      for attempt in 0..<40 {
        let body = #"{"email":"nobody\#(attempt)@example.com","password":"wrong and wrong again"}"#
        let refused = try await service.ask("POST", "/v1/sessions", at: server.port, body: body, patience: 5)
        #expect([401, 429].contains(refused.status), "\(refused)")
      }
      #expect(try await service.ask("GET", "/livez", at: server.port, patience: 5).status == 200)
      #expect(try await service.ask("GET", "/v1/session", at: server.port, bearer: user.token, patience: 5).status == 200)
      server.signal(SIGHUP)
      #expect(try await service.ask("GET", "/readyz", at: server.port, patience: 5).status == 200)
      let ended = try await server.stop()
      #expect(ended.status == 0, "\(ended)")
    }
  }

  @Test("The end waits for the lines before it, not for those that go on coming")
  func endUnderLoad() async throws {
    let pipe = Pipe()
    let reader = Task.detached { pipe.fileHandleForReading.readDataToEndOfFile().count }
    let sink = LogSink(pipe.fileHandleForWriting.fileDescriptor)
    let writers = (0..<4).map { _ in
      // Several, since one may leave the sink time to catch up.
      Task.detached {
        let line = Array((String(repeating: "x", count: 999) + "\n").utf8)
        while !Task.isCancelled {
          sink.add(line)
          await Task.yield()
        }
      }
    }
    let isDone = await withCheckedContinuation { done in
      DispatchQueue.global().async {
        done.resume(returning: (0..<20).allSatisfy { _ in sink.flush(within: .seconds(20)) })
      }
    }
    for writer in writers {
      writer.cancel()
      await writer.value
    }
    #expect(isDone)
    await withCheckedContinuation { done in
      DispatchQueue.global().async {
        sink.flush(within: .seconds(20))
        done.resume()
      }
    }
    try pipe.fileHandleForWriting.close()
    #expect(await reader.value > 0)
  }

  @Test("A line that finds no room is dropped and counted, nobody waits, and the count is said when the log flows again")
  func dropped() async throws {
    let pipe = FullPipe()
    let sink = LogSink(pipe.writing.fileDescriptor, bytesMax: 1_000)
    let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
    sink.add(line)
    for _ in 0..<500 { sink.add(line) }
    let mark = ContinuousClock.now
    await withCheckedContinuation { done in
      DispatchQueue.global().async {
        sink.flush(within: .milliseconds(100))
        done.resume()
      }
    }
    #expect(mark.duration(to: .now) >= .milliseconds(100), "the pipe was not full")
    let reader = Task.detached { pipe.readAll() }
    try await eventually("the log flows") {
      sink.add(Array("{}\n".utf8))
      return pipe.isFlowing
    }
    await withCheckedContinuation { done in
      DispatchQueue.global().async {
        sink.flush(within: .seconds(10))
        done.resume()
      }
    }
    try pipe.writing.close()
    let lines = await reader.value.split(separator: "\n")
    let whole = lines.count { $0.count == 99 }
    let counts = lines.compactMap { line in line.firstMatch(of: /"dropped":"(\d+)"/).flatMap { Int($0.output.1) } }
    // The lines that the writer had taken when it stood still, and those that then fitted.
    #expect((1...20).contains(whole), "\(whole)")
    #expect(counts.reduce(0, +) >= 501 - whole, "\(counts) and \(whole) of 501")
    #expect(lines.contains { $0.contains("\"level\":\"warning\"") })
  }
}

/// A pipe that is full to its last byte, and blocks who writes on.
private final class FullPipe: @unchecked Sendable {
  // Invariant: `flows` is touched under its lock; the pipe's ends never change.
  private let pipe = Pipe()
  private let lock = NSLock()
  private var flows = false
  var writing: FileHandle { pipe.fileHandleForWriting }

  init() {
    let file = writing.fileDescriptor
    let flags = fcntl(file, F_GETFL)
    _ = fcntl(file, F_SETFL, flags | O_NONBLOCK)
    var byte = UInt8(ascii: "\n")
    while write(file, &byte, 1) == 1 {}
    _ = fcntl(file, F_SETFL, flags)
  }

  var isFlowing: Bool { lock.withLock { flows } }

  func readAll() -> String {
    var all = Data()
    while let more = try? pipe.fileHandleForReading.read(upToCount: 4_096), !more.isEmpty {
      all += more
      lock.withLock { flows = true }
    }
    return String(decoding: all, as: UTF8.self)
  }
}
