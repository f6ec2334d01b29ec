import NIOCore
import NIOHTTP1
import NIOPosix

/// A small HTTP/1.1 client for a service on the same machine: one connection a request, over a Unix socket or TCP.
public enum LocalHTTP {
  /// Where the service listens.
  public enum Address: Sendable, Equatable {
    /// A socket file; the system bounds the path to 107 bytes.
    case unix(path: String)
    /// A host, by name or address, and a port.
    case tcp(host: String, port: Int)
  }

  /// A whole answer.
  public struct Answer: Sendable, Equatable {
    /// The status code, whatever it is: a refusal is an answer too.
    public let status: Int
    /// The whole body, at most `bodyBytesMax` bytes; empty if there is none.
    public let body: [UInt8]
  }

  /// Why there is no answer.
  public enum Failure: Error, Sendable, Equatable {
    /// Nobody listens there; nothing was sent.
    case nobodyListens
    /// The connection could not be made for another reason, such as a missing permission; nothing was sent.
    case unreachable(String)
    /// The connection ended, or the time was over, before the whole answer had come: the request may have been carried out.
    case noAnswer
  }

  /// The largest body that is taken.
  public static let bodyBytesMax = 16 << 20

  /// Sends one request and waits for its whole answer.
  /// - Parameters:
  ///   - path: with the query, percent-encoded.
  ///   - json: the body; nil for none.
  ///   - deadline: for connecting and the answer together.
  public static func send(
    _ method: String, _ path: String, json: [UInt8]? = nil, to address: Address, within deadline: TimeAmount,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) async throws(Failure) -> Answer {
    let due = NIODeadline.now() + deadline
    let promise = group.next().makePromise(of: Answer.self)
    let bootstrap = ClientBootstrap(group: promise.futureResult.eventLoop).connectTimeout(deadline).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        try channel.pipeline.syncOperations.addHandler(AnswerCollector(promise, due: due))
      }
    }
    let channel: any Channel
    do {
      channel =
        switch address {
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port).get()
        }
    } catch {
      let failure = reason(error)
      promise.fail(failure)
      throw failure
    }
    write(method, path, json, to: channel)
    do { return try await promise.futureResult.get() } catch { throw error as? Failure ?? .noAnswer }
  }

  private static func write(_ method: String, _ path: String, _ json: [UInt8]?, to channel: any Channel) {
    var headers = HTTPHeaders([("Host", "localhost"), ("Connection", "close")])
    if let json {
      headers.add(name: "Content-Type", value: "application/json")
      headers.add(name: "Content-Length", value: String(json.count))
    }
    let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    if let json { channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: json))), promise: nil) }
    // A failure here ends the connection, and that ends the wait for the answer.
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  private static func reason(_ error: any Error) -> Failure {
    guard let error = error as? IOError else { return .unreachable("\(type(of: error))") }
    return [ECONNREFUSED, ENOENT].contains(error.errnoCode) ? .nobodyListens : .unreachable(String(cString: strerror(error.errnoCode)))
  }
}
