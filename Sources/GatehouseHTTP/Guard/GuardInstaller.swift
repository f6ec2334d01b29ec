import NIOCore
import NIOHTTPTypesHTTP1

/// Puts the guard of the connection's lane where Hummingbird's configuration has no place for it: between the parser and the codec. Then it
/// leaves.
final class GuardInstaller: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  func handlerAdded(context: ChannelHandlerContext) {
    let sync = context.pipeline.syncOperations
    do {
      let guarding = try sync.handler(type: RequestLane.self).guarding
      let codec = try sync.handler(type: HTTP1ToHTTPServerCodec.self)
      try sync.addHandler(guarding, position: .before(codec))
      sync.removeHandler(context: context, promise: nil)
    } catch {
      // An unguarded connection must not serve.
      context.close(promise: nil)
    }
  }
}
