import StrictJSON
import Hummingbird
import Logging
import NIOCore
import Synchronization
import TestSupport

@testable import GatehouseHTTP

/// A server with a few routes behind the guard and the edge.
final class DemoServer: Sendable {
  /// The bytes of the body of `/large` and `/stream`: more than the kernel keeps for a client that does not read.
  static let largeBytes = 256 * 65_536

  let port: Int
  private let counter: Counter

  /// How often `/canary` ran.
  var canaries: Int { counter.count }

  /// Calls of `POST /v1/users` that wait for `letGo`.
  var waiting: Int { counter.waiting.withLock { $0.count } }

  /// Answers the calls of `POST /v1/users` that wait.
  func letGo() {
    for call in counter.waiting.withLock({ calls in
      defer { calls = [] }
      return calls
    }) { call.resume() }
  }

  /// Returns when `/flood` could write no more.
  func streamIsCut() async {
    for await _ in counter.cut.stream { return }
  }

  private final class Counter: Sendable {
    private let runs = Mutex(0)
    let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    let cut = AsyncStream<Void>.makeStream()
    var count: Int { runs.withLock { $0 } }
    func add() { runs.withLock { $0 += 1 } }
  }

  private struct Unforeseen: Error {}

  private init(port: Int, _ counter: Counter) {
    self.port = port
    self.counter = counter
  }

  /// Runs `body` against a server with these limits, then stops it.
  /// - Parameter accepted: told of each connection.
  static func with(
    _ limits: HTTPLimits = HTTPLimits(), crossOrigin: CrossOrigin = CrossOrigin(origins: []), admission: AdmissionControl = .open,
    quota: ConnectionQuota? = nil, fast: (any FastAnswers)? = nil,
    orphans: OrphanedRequests = OrphanedRequests(), accepted: (@Sendable (any Channel) -> Void)? = nil,
    _ body: @Sendable (DemoServer) async throws -> Void
  ) async throws {
    let running = AsyncStream<Int>.makeStream()
    let counter = Counter()
    var quiet = Logger(label: "demo")
    quiet.logLevel = .critical
    let app = Application(
      responder: Edge(routes(counter), crossOrigin: crossOrigin),
      server: makeHTTP1(
        RequestRules([.signUp, .logIn, .gateBatch, .forwardAuth]), limits: limits, admission: admission, crossOrigin: { crossOrigin },
        refusals: nil, answering: { fast }, orphans: orphans),
      configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in
        if let quota { try? await channel.pipeline.addHandler(ConnectionBound(quota), position: .first) }
        if let accepted { try? await channel.pipeline.addHandler(Accepting(told: accepted), position: .first) }
        running.continuation.yield(channel.localAddress?.port ?? 0)
      },
      logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await app.run() }
      for await port in running.stream {
        try await body(DemoServer(port: port, counter))
        break
      }
      group.cancelAll()
    }
  }

  private static func routes(_ counter: Counter) -> Router<GatehouseContext> {
    let router = Edge.router()
    let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 65_536)
    router.get("canary") { _, _ in
      counter.add()
      return "chirp"
    }
    router.post("echo") { request, context in
      let body = try await request.body.collect(upTo: context.maxUploadSize)
      return Response(status: .ok, body: .init(byteBuffer: body))
    }
    router.post("v1/users") { _, _ in
      await withCheckedContinuation { call in counter.waiting.withLock { $0.append(call) } }
      return HTTPResponse.Status.noContent
    }
    router.post("v1/gate/batch") { request, context in
      let body = try await request.body.collect(upTo: context.maxUploadSize)
      return String(body.readableBytes)
    }
    router.get("items/:id") { _, context in context.parameters.get("id") ?? "" }
    router.delete("items/:id") { _, _ in HTTPResponse.Status.noContent }
    router.get("closing") { _, _ in
      Response(status: .ok, headers: [.connection: "close"], body: .init(byteBuffer: ByteBuffer(string: "bye")))
    }
    router.get("broken") { _, _ -> String in throw Unforeseen() }
    router.get("refused") { _, _ -> String in throw Problem(.suspended, "The account is suspended.", extras: ["until": 7]) }
    router.get("large") { _, _ in
      Response(status: .ok, body: .init(byteBuffer: ByteBuffer(repeating: UInt8(ascii: "x"), count: DemoServer.largeBytes)))
    }
    router.get("stream") { _, _ in
      Response(
        status: .ok,
        body: ResponseBody { writer in
          for _ in 0..<256 { try await writer.write(piece) }
          try await writer.finish(nil)
        })
    }
    router.get("flood") { _, _ in
      Response(
        status: .ok,
        body: ResponseBody { writer in
          do {
            while true { try await writer.write(piece) }
          } catch {
            counter.cut.continuation.yield()
            throw error
          }
        })
    }
    return router
  }

  /// Sends `text` on a new connection and returns all answers, once the server has closed.
  func talk(_ text: String) async throws -> [RawHTTP.Answer] {
    let client = try await RawHTTP.connect(port: port)
    try await client.send(text)
    let answers = try await client.answersUntilClosed()
    await client.close()
    return answers
  }
}

/// Tells of each connection that a listening channel accepts.
private final class Accepting: ChannelInboundHandler, Sendable {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel

  private let told: @Sendable (any Channel) -> Void

  init(told: @escaping @Sendable (any Channel) -> Void) { self.told = told }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    told(Self.unwrapInboundIn(data))
    context.fireChannelRead(data)
  }
}

/// The connections that a server has accepted, in their order.
final class Connections: Sendable {
  private let accepted = Mutex<[any Channel]>([])

  var all: [any Channel] { accepted.withLock { $0 } }

  @Sendable func add(_ channel: any Channel) { accepted.withLock { $0.append(channel) } }
}

extension Channel {
  /// Whether a handler of this type stands in the pipeline.
  func has<Handler: ChannelHandler & SendableMetatype>(_ type: Handler.Type) async -> Bool {
    (try? await pipeline.containsHandler(type: type).get()) != nil
  }
}

extension RawHTTP.Answer {
  /// Whether this is the problem `code` in full: media type, members, request id, and the fields of every answer.
  func isProblem(_ status: Int, _ code: String) -> Bool {
    self.status == status && self["Content-Type"] == Problem.mediaType && body.contains("\"code\":\"\(code)\"")
      && body.contains("\"status\":\(status)") && self["X-Request-Id"].map { body.contains("\"request_id\":\"\($0)\"") } == true
      && self["Cache-Control"] == "no-store" && self["X-Content-Type-Options"] == "nosniff"
  }
}
