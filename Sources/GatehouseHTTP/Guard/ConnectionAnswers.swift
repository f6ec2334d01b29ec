import HTTPTypes
import NIOCore
import NIOHTTP1

/// The way out: what Hummingbird answers, and what the guard answers itself.
extension ConnectionGuard {
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch Self.unwrapOutboundIn(data) {
    case .head(let head):
      context.write(Self.wrapOutboundOut(.head(framed(head))), promise: promise)
    case .body:
      context.write(data, promise: promise)
    case .end:
      end(context, data, promise)
    }
  }

  func writabilityChanged() {
    guard let context = ownContext else { return }
    if exchange != nil {
      if context.channel.isWritable { deadline.clear() } else { waitForTaking(context) }
    } else if isAtRest, !hasHeaderBegun {
      rest(context)
    }
  }

  /// After an answer: waits for the client's next request, or until it has taken more of the answer.
  func rest(_ context: ChannelHandlerContext) {
    if context.channel.isWritable { wait(.idle, limits.idleTimeout) } else { waitForTaking(context) }
  }

  /// The head of an answer with what its connection's fate demands.
  private func framed(_ original: HTTPResponseHead) -> HTTPResponseHead {
    guard var exchange = exchange, original.status.code >= 200 else { return original }
    var head = original
    let asked = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    exchange.closes = exchange.closes || asked || isQuiescing
    if exchange.version == .http1_0 {
      if !head.headers.contains(name: "content-length"), head.status.mayHaveResponseBody {
        // 1.0 has no chunks: the end of the connection is the end of the body.
        head.version = .http1_0
        exchange.closes = true
      }
      if !exchange.closes { head.headers.replaceOrAdd(name: "Connection", value: "keep-alive") }
    }
    if exchange.closes { head.headers.replaceOrAdd(name: "Connection", value: "close") }
    self.exchange = exchange
    return head
  }

  private func end(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
    guard let exchange else { return context.write(data, promise: promise) }
    self.exchange = nil
    if exchange.closes || isQuiescing {
      discard()
      closeAfter(context.writeAndFlush(data), promise, context)
      return
    }
    context.write(data, promise: promise)
    rest(context)
    // The next request goes on in a turn of its own, when this answer has been flushed.
    context.eventLoop.assumeIsolated().execute {
      self.goOn(context)
      if self.isBetweenRequests { self.lane?.exchangeEnded() }
    }
  }

  /// Answers with `problem` and ends the connection. Nothing is in flight when this is called.
  func refuse(_ problem: Problem, answering head: HTTPRequestHead? = nil, _ context: ChannelHandlerContext) {
    let target = (head ?? arriving).map(RequestLine.Target.init) ?? requestLine.target
    discard()
    let parts = answer(problem, to: head, target, closes: true, context)
    for part in parts { context.write(Self.wrapOutboundOut(part), promise: nil) }
    closeAfter(context.writeAndFlush(Self.wrapOutboundOut(.end(nil))), nil, context)
  }

  /// Answers the request in flight in Hummingbird's place; after a pause if it is not the connection's first that is turned away.
  func turnAway(_ problem: Problem, answering head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let parts = answer(problem, to: head, RequestLine.Target(head), closes: false, context) + [.end(nil)]
    func respond() {
      for part in parts { write(context: context, data: Self.wrapOutboundOut(part), promise: nil) }
      context.flush()
    }
    guard wasTurnedAway else {
      wasTurnedAway = true
      return respond()
    }
    context.eventLoop.assumeIsolated().scheduleTask(deadline: limits.turnedAwayTime()) {
      // The client may have gone meanwhile.
      if context.channel.isActive { respond() }
    }
  }

  /// The parts of a problem before its end.
  private func answer(
    _ problem: Problem, to head: HTTPRequestHead?, _ target: RequestLine.Target, closes: Bool, _ context: ChannelHandlerContext
  ) -> [HTTPServerResponsePart] {
    let requestID = RequestID.taken(head?.headers.first(name: RequestID.header))
    rules.refusals?.note(
      problem,
      .init(requestID: requestID, method: target.method, path: target.path, peer: context.channel.remoteAddress))
    // A proxy that asks about a request must get an answer that it can pass on, whatever the request holds.
    var answer =
      rules.endpoints.isForwarded(target.path)
      ? ProxyAnswer.refused(problem, refuse: head?.headers.first(name: ProxyField.refuse), requestID: requestID)
      : problem.answer(requestID: requestID)
    if closes { answer.fields[.connection] = "close" }
    // A page of another origin must be able to read why it was refused.
    Answer.complete(&answer.fields, requestID: requestID, origin: head?.headers.first(name: "origin"), rules.crossOrigin())
    return answer.parts(isHead: head?.method == .HEAD)
  }

  func closeAfter(_ written: EventLoopFuture<Void>, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
    written.cascade(to: promise)
    waitForTaking(context)
    written.assumeIsolated().whenComplete { result in
      if case .success = result { self.linger(context) } else { context.close(promise: nil) }
    }
  }
}
