import HummingbirdCore
import NIOCore
import NIOHTTP1

/// What one connection and one request may take: sizes in bytes, and how long each phase may last.
public struct HTTPLimits: Sendable {
  /// A larger or smaller body cap for one route. `path` has `{…}` where any one segment stands.
  public struct BodyCap: Sendable {
    let method: HTTPMethod
    let segments: [Substring]
    let bytesMax: Int

    /// The cap of `method` on `path`, such as `/v1/analyses/{id}`.
    public init(_ method: HTTPMethod, _ path: String, bytesMax: Int) {
      self.method = method
      segments = path.split(separator: "/")
      self.bytesMax = bytesMax
    }

    func matches(_ method: HTTPMethod, _ path: [Substring]) -> Bool {
      method == self.method && path.count == segments.count && zip(segments, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
  }

  /// The longest request line; beyond it 414.
  public var uriBytesMax = 8_192
  /// The longest header field; beyond it 431.
  public var fieldBytesMax = 8_192
  /// The longest header; beyond it 431.
  public var headerBytesMax = 16_384
  /// The most header fields; beyond it 431.
  public var fieldsMax = 100
  /// The body cap where no other is named; beyond it 413.
  public var bodyBytesMax = 65_536
  /// The routes with another body cap.
  public var bodyCaps = [
    BodyCap(.PATCH, "/v1/analyses/{id}", bytesMax: 131_072),
    BodyCap(.POST, "/v1/gate/batch", bytesMax: 524_288),
    BodyCap(.POST, "/v1/usage/events", bytesMax: 524_288),
  ]
  /// What the framing of chunks may add to a body, beyond seven bytes for each of its own; then 400.
  public var chunkFramingBytesMax = 65_536
  /// From the connection's or the header's first byte to its last; then 408.
  public var headerTimeout = TimeAmount.seconds(10)
  /// From the header to the body's last byte; then 408.
  public var bodyTimeout = TimeAmount.seconds(20)
  /// How long a connection may wait for its next request.
  public var idleTimeout = TimeAmount.seconds(75)
  /// The same once the process ends: a client that sends its next request meanwhile gets its answer, and is told that the connection ends.
  public var leaveTimeout = TimeAmount.seconds(1)
  /// How long a client may take nothing of a waiting answer.
  public var writeTimeout = TimeAmount.seconds(30)
  /// How long a refused connection is still read, so that the answer is not lost in a reset.
  public var lingerTimeout = TimeAmount.seconds(1)
  /// How long who is turned away at the door waits for the answer from a connection's second time on, in milliseconds: who tries again
  /// at once must not come round faster, nor all as one wave. The first time has no pause, as it has waited for its connection.
  public var turnedAwayMilliseconds: ClosedRange<Int64> = 30...35
  /// Those who wait in that pause are answered at multiples of this, several in one turn of the loop: a turn for each of them would cost
  /// more than the answers do, and a turn for too many would hold up the gate.
  public var turnedAwayGrid = TimeAmount.milliseconds(2)
  /// How much of a refused request is still read.
  public var discardedBytesMax = 262_144

  /// The limits of the contract.
  public init() {}

  /// When to answer somebody who is turned away now, and not for the first time.
  func turnedAwayTime() -> NIODeadline {
    let wanted = NIODeadline.now() + .milliseconds(.random(in: turnedAwayMilliseconds))
    let grid = UInt64(max(1, turnedAwayGrid.nanoseconds))
    return .uptimeNanoseconds((wanted.uptimeNanoseconds + grid - 1) / grid * grid)
  }

  /// The largest of all body caps: what a handler may be given.
  public var largestBodyBytesMax: Int { bodyCaps.map(\.bytesMax).reduce(bodyBytesMax, max) }

  /// The body cap of a request.
  func bodyBytesMax(_ method: HTTPMethod, path: Substring) -> Int {
    let segments = path.split(separator: "/")
    return bodyCaps.first { $0.matches(method, segments) }?.bytesMax ?? bodyBytesMax
  }
}

/// An HTTP/1 listener: parser limits, our guard in front of Hummingbird, and connections in groups. Timers are the guard's, as
/// Hummingbird's own idle timeout would close busy connections. `crossOrigin` is asked for each answer of the guard's own.
public func makeHTTP1(
  limits: HTTPLimits = HTTPLimits(), door: Door = .open,
  crossOrigin: @escaping @Sendable () -> CrossOrigin = { CrossOrigin(origins: []) }, refusals: RefusalLog? = nil
) -> HTTPServerBuilder {
  let configuration = HTTP1Channel.Configuration(
    additionalChannelHandlers: [GuardInstaller(limits: limits, door: door, crossOrigin: crossOrigin, refusals: refusals)],
    idleTimeout: nil,
    httpDecoderConfiguration: .init(
      maxHeaderFieldSize: max(limits.fieldBytesMax, limits.uriBytesMax), maxHeaderListSize: limits.headerBytesMax,
      maxHeaderFieldCount: limits.fieldsMax))
  return HTTPServerBuilder { ConnectionGroups(HTTP1Channel(responder: $0, configuration: configuration)) }
}
