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
  /// Logs with the request's name.
  public var log: Logger
  /// Bodies are capped by route before they get here; this is the largest of those caps.
  public var maxUploadSize: Int { Endpoint.BodyCap.largest }

  /// The context of a request on the channel of `source`.
  public init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    remoteAddress = source.channel.remoteAddress
    log = source.logger
  }
}
