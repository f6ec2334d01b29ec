import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Puts the guard where Hummingbird's configuration has no place for it: between the parser and the codec, and the lane in front of both.
/// Then it leaves.
final class GuardInstaller: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let rules: ListenerRules

  init(_ rules: ListenerRules) { self.rules = rules }

  func handlerAdded(context: ChannelHandlerContext) {
    let sync = context.pipeline.syncOperations
    do {
      let guarding = ConnectionGuard(rules)
      let codec = try sync.handler(type: HTTP1ToHTTPServerCodec.self)
      // The encoder stands before the parser: what the lane writes passes neither.
      let encoder = try sync.handler(type: HTTPResponseEncoder.self)
      let lane = RequestLane(guarding, rules)
      guarding.lane = lane
      try sync.addHandler(guarding, position: .before(codec))
      try sync.addHandler(lane, position: .before(encoder))
      sync.removeHandler(context: context, promise: nil)
    } catch {
      // An unguarded connection must not serve.
      context.close(promise: nil)
    }
  }
}
