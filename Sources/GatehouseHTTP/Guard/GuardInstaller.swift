import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Puts the guard where Hummingbird's configuration has no place for it: between the parser and the codec, and the lane in front of both.
/// Then it leaves.
final class GuardInstaller: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let rules: RequestRules
  private let limits: HTTPLimits
  private let admission: AdmissionControl
  private let crossOrigin: @Sendable () -> CrossOrigin
  private let refusals: RefusalLog?
  private let fast: @Sendable () -> (any FastAnswers)?
  private let orphans: OrphanedRequests

  init(
    rules: RequestRules, limits: HTTPLimits, admission: AdmissionControl, crossOrigin: @escaping @Sendable () -> CrossOrigin,
    refusals: RefusalLog?, fast: @escaping @Sendable () -> (any FastAnswers)?, orphans: OrphanedRequests
  ) {
    self.fast = fast
    self.orphans = orphans
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
      // The encoder stands before the parser: what the lane writes passes neither.
      let encoder = try sync.handler(type: HTTPResponseEncoder.self)
      let lane = RequestLane(guarding, fast: fast, orphans: orphans)
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
