import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A TCP client that sends what it is told, valid HTTP or not, and reads what comes back.
public final class RawHTTP: Sendable {
  /// How long anything is waited for before the test fails.
  public static let patience = TimeAmount.seconds(20)

  /// Nothing came in time.
  public struct TookTooLong: Error, CustomStringConvertible {
    /// The text that had come until then.
    public let received: String
    /// Says so, with what had come.
    public var description: String { "nothing more came in time after: \(received)" }
  }

  /// One answer.
  public struct Answer: Sendable {
    /// The first line as it came.
    public let statusLine: String
    /// The status code.
    public var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    /// The header fields, in order.
    public let headers: [(name: String, value: String)]
    /// The body, without its framing.
    public let body: String

    /// The values of a header field, joined; nil without it.
    public subscript(_ name: String) -> String? {
      let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
      return values.isEmpty ? nil : values.joined(separator: ", ")
    }
  }

  private let channel: any Channel
  private let inbox: Inbox

  private init(_ channel: any Channel, _ inbox: Inbox) {
    self.channel = channel
    self.inbox = inbox
  }

  /// Connects to `port` on this machine. With `receives: false` nothing is ever read.
  public static func connect(port: Int, receives: Bool = true) async throws -> RawHTTP {
    let inbox = Inbox()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: receives)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Receiver(inbox)) }
      }
      .connect(host: "127.0.0.1", port: port).get()
    return RawHTTP(channel, inbox)
  }

  /// Sends `text` in one write.
  public func send(_ text: String) async throws { try await send(Array(text.utf8)) }

  /// Sends `bytes` in one write.
  public func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  /// Says that nothing more will be sent.
  public func finishSending() async throws { try await channel.close(mode: .output) }

  /// Reads from now on, on a connection that was made with `receives: false`.
  public func receive() async throws { try await channel.setOption(.autoRead, value: true).get() }

  /// Resets the connection, as a client that has crashed: the other side hears of it at once.
  public func reset() async throws {
    if let socket = channel as? any SocketOptionProvider { try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get() }
    try? await channel.close()
  }

  /// Reads once, on a connection that was made with `receives: false`.
  public func readOnce() { channel.read() }

  /// Closes both directions at once.
  public func close() async { try? await channel.close() }

  /// The next answer that is not taken yet; informational ones count. `head`: the request was HEAD.
  public func answer(head: Bool = false) async throws -> Answer {
    try await take { bytes, isClosed in Self.split(bytes, isClosed: isClosed, head: head) }
  }

  /// All that came after the last answer taken, once the other side has closed.
  public func untilClosed() async throws -> String {
    try await take { bytes, isClosed in isClosed ? (String(decoding: bytes, as: UTF8.self), bytes.count) : nil }
  }

  /// All answers until the other side closes.
  public func answersUntilClosed() async throws -> [Answer] {
    var rest = Array(try await untilClosed().utf8)
    var answers: [Answer] = []
    while let (answer, length) = Self.split(rest, isClosed: true, head: false) {
      answers.append(answer)
      rest.removeFirst(length)
    }
    return answers
  }

  private func take<Value: Sendable>(_ find: @escaping @Sendable ([UInt8], Bool) -> (Value, Int)?) async throws -> Value {
    let patience = channel.eventLoop.scheduleTask(in: Self.patience) { [inbox] in inbox.giveUp() }
    defer { patience.cancel() }
    while true {
      let seen = inbox.seen
      if let (value, length) = find(seen.bytes, seen.isClosed) {
        inbox.remove(length)
        return value
      }
      if seen.isClosed || seen.gaveUp { throw TookTooLong(received: String(decoding: seen.bytes.prefix(2_000), as: UTF8.self)) }
      await inbox.change(after: seen.version)
    }
  }

  private static func split(_ bytes: [UInt8], isClosed: Bool, head: Bool) -> (Answer, Int)? {
    let end = Array("\r\n\r\n".utf8)
    guard let headEnd = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { return nil }
    let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
    let headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(parts[0]), value: parts.count == 2 ? String(parts[1].drop { $0 == " " }) : "")
    }
    let statusLine = lines.first.map(String.init) ?? ""
    let bodyStart = headEnd + end.count
    if !head, headers.contains(where: { $0.name.lowercased() == "transfer-encoding" && $0.value.lowercased() == "chunked" }) {
      return chunks(bytes[bodyStart...]).map { (Answer(statusLine: statusLine, headers: headers, body: $0.body), $0.end) }
    }
    let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) }
    let status = Answer(statusLine: statusLine, headers: [], body: "").status
    var count = head || status < 200 || status == 204 ? 0 : length
    if count == nil, isClosed { count = bytes.count - bodyStart }
    guard let count, bytes.count >= bodyStart + count else { return nil }
    let body = String(decoding: bytes[bodyStart..<(bodyStart + count)], as: UTF8.self)
    return (Answer(statusLine: statusLine, headers: headers, body: body), bodyStart + count)
  }

  /// A chunked body and where it ends, once it is whole. Trailers and extensions are not expected.
  private static func chunks(_ bytes: ArraySlice<UInt8>) -> (body: String, end: Int)? {
    var body: [UInt8] = []
    var rest = bytes
    while let lineEnd = rest.firstIndex(of: UInt8(ascii: "\r")) {
      guard let size = Int(String(decoding: rest[..<lineEnd], as: UTF8.self), radix: 16) else { return nil }
      let start = lineEnd + 2
      guard start + size + 2 <= rest.endIndex else { return nil }
      body += rest[start..<(start + size)]
      rest = rest[(start + size + 2)...]
      if size == 0 { return (String(decoding: body, as: UTF8.self), rest.startIndex) }
    }
    return nil
  }
}

/// The bytes that have come and are not taken yet.
private final class Inbox: Sendable {
  struct Seen: Sendable {
    var bytes: [UInt8] = []
    var isClosed = false
    var gaveUp = false
    var version = 0
  }
  private struct State {
    var seen = Seen()
    var waiter: CheckedContinuation<Void, Never>?
  }
  private let state = Mutex(State())

  var seen: Seen { state.withLock { $0.seen } }

  func append(_ bytes: [UInt8]) { update { $0.bytes.append(contentsOf: bytes) } }
  func close() { update { $0.isClosed = true } }
  func giveUp() { update { $0.gaveUp = true } }
  func remove(_ count: Int) { state.withLock { $0.seen.bytes.removeFirst(count) } }

  func change(after version: Int) async {
    await withCheckedContinuation { continuation in
      let isLate = state.withLock { state in
        if state.seen.version != version { return true }
        state.waiter = continuation
        return false
      }
      if isLate { continuation.resume() }
    }
  }

  private func update(_ body: (inout Seen) -> Void) {
    let waiter = state.withLock { state in
      body(&state.seen)
      state.seen.version += 1
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }
}

private final class Receiver: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let inbox: Inbox

  init(_ inbox: Inbox) { self.inbox = inbox }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { inbox.append(Array(Self.unwrapInboundIn(data).readableBytesView)) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event { inbox.close() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.close() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    inbox.close()
    context.close(promise: nil)
  }
}
