import Hummingbird
import Logging
import NIOCore

/// The facts of a request that handlers know beside the request itself.
public struct GatehouseContext: RequestContext, RemoteAddressRequestContext {
  /// Hummingbird's own part.
  public var coreContext: CoreRequestContextStorage
  /// The peer of the connection, a proxy perhaps; nil when the transport has none.
  public let remoteAddress: SocketAddress?
  /// The request's name in logs, problems and the answer; set by `Edge` before anything else runs.
  public var requestID = ""
  /// Logs with the request's name. Made when it is needed: few requests leave a line.
  public var log: Logger {
    var log = unnamedLog
    log[metadataKey: "request_id"] = .string(requestID)
    return log
  }
  private let unnamedLog: Logger
  /// Bodies are capped by route before they get here; this is the largest of those caps.
  public var maxUploadSize: Int { Endpoint.BodyCap.largest }

  /// The context of a request on the channel of `source`.
  public init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    remoteAddress = source.channel.remoteAddress
    unnamedLog = source.logger
  }
}
