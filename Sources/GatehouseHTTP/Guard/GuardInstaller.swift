import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Puts the guard where Hummingbird's configuration has no place for it: between the parser and the codec, and a counter of bytes
/// before the parser. Then it leaves.
final class GuardInstaller: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let rules: RequestRules
  private let limits: HTTPLimits
  private let admission: AdmissionControl
  private let crossOrigin: @Sendable () -> CrossOrigin
  private let refusals: RefusalLog?

  init(
    rules: RequestRules, limits: HTTPLimits, admission: AdmissionControl, crossOrigin: @escaping @Sendable () -> CrossOrigin,
    refusals: RefusalLog?
  ) {
    self.rules = rules
    self.limits = limits
    self.admission = admission
    self.crossOrigin = crossOrigin
    self.refusals = refusals
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let sync = context.pipeline.syncOperations
    do {
      let guarding = ConnectionGuard(
        rules: rules, limits: limits, admission: admission, crossOrigin: crossOrigin, refusals: refusals)
      let codec = try sync.handler(type: HTTP1ToHTTPServerCodec.self)
      let parser = try sync.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      try sync.addHandler(guarding, position: .before(codec))
      try sync.addHandler(ByteWatch(guarding), position: .before(parser))
      sync.removeHandler(context: context, promise: nil)
    } catch {
      // An unguarded connection must not serve.
      context.close(promise: nil)
    }
  }
}

/// Tells the guard of bytes before the parser has a whole header of them.
final class ByteWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let guarding: ConnectionGuard

  init(_ guarding: ConnectionGuard) { self.guarding = guarding }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guarding.bytesArrived(Self.unwrapInboundIn(data))
    context.fireChannelRead(data)
  }
}
