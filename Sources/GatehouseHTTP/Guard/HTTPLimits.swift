import NIOCore

/// The limits of one connection and one request: sizes in bytes, and how long each phase may last.
public struct HTTPLimits: Sendable {
  /// The longest request line; beyond it 414.
  public var uriBytesMax = 8_192
  /// The longest header field; beyond it 431.
  public var fieldBytesMax = 8_192
  /// The longest header; beyond it 431.
  public var headerBytesMax = 16_384
  /// The most header fields; beyond it 431.
  public var fieldsMax = 100
  /// The body cap of an endpoint that has no other; beyond it 413.
  public var bodyBytesMax = Endpoint.BodyCap.standard.rawValue
  /// The bytes that the framing of chunks may add to a body, beyond seven for each of its own; then 400.
  public var chunkFramingBytesMax = 65_536
  /// From the connection's or the header's first byte to its last; then 408.
  public var headerTimeout = TimeAmount.seconds(10)
  /// From the header to the body's last byte; then 408.
  public var bodyTimeout = TimeAmount.seconds(20)
  /// How long a connection may wait for its next request.
  public var idleTimeout = TimeAmount.seconds(75)
  /// How long a connection may wait for its next request once the process ends. A client that sends one meanwhile gets its answer, and is
  /// told that the connection ends.
  public var leaveTimeout = TimeAmount.seconds(1)
  /// How long a client may take nothing of a waiting answer; noticed a third of that later at most.
  public var writeTimeout = TimeAmount.seconds(30)
  /// How long a refused connection is still read, so that the answer is not lost in a reset.
  public var lingerTimeout = TimeAmount.seconds(1)
  /// How long a request that is turned away waits for its answer from a connection's second time on, in milliseconds: a client that tries
  /// again at once must not come round faster, nor all clients as one wave. The first time has no pause, as it has waited for its connection.
  public var turnedAwayMilliseconds: ClosedRange<Int64> = 30...35
  /// The requests in that pause are answered at multiples of this, several in one turn of the loop: a turn for each of them would cost
  /// more than the answers do, and a turn for too many would hold up the gate.
  public var turnedAwayGrid = TimeAmount.milliseconds(2)
  /// The most bytes of a connection that wait for the answer before them: one request, and one read of the socket behind it. Reading stops
  /// before there are more, until the client's side ends: then NIO reads all that the kernel has.
  var heldBytesMax: Int { headerBytesMax + Endpoint.BodyCap.largest + Self.readBytesMax }
  /// The most bytes that one read of the socket brings: four buffers of NIO, each as long as it can grow.
  private static let readBytesMax = 4 * readBufferBytes.upperBound
  /// The length of a buffer that a socket is read into: at first most requests fit into it, and it grows with those that don't. NIO keeps
  /// the buffers of a connection as long as the connection lasts, so even large bodies are read in small parts.
  static let readBufferBytes = 512...16_384
  /// How much of a refused request is still read.
  public var discardedBytesMax = 262_144

  /// The limits of the contract.
  public init() {}

  /// When to answer a request that is turned away now, and not for the first time.
  func turnedAwayTime() -> NIODeadline {
    let wanted = NIODeadline.now() + .milliseconds(.random(in: turnedAwayMilliseconds))
    let grid = UInt64(max(1, turnedAwayGrid.nanoseconds))
    return .uptimeNanoseconds((wanted.uptimeNanoseconds + grid - 1) / grid * grid)
  }
}
