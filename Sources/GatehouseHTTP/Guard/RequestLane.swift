import NIOCore

/// The first that sees a connection's bytes, on its event loop: it answers in the channel what `FastAnswers` takes, and lets everything
/// else go to the parser, and so through the guard to its route.
///
/// One request is in flight at a time, here or there, so answers leave in the order of their requests; what a client pipelines waits
/// here. The bytes of a request that is answered here are seen by nobody else. It is taken only whole and while the guard has nothing in
/// hand: every rule of the guard that could say something about it sends it to the guard.
final class RequestLane: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum State {
    /// The next byte begins a request.
    case open
    /// A request is being answered here.
    case asking
    /// A request goes to its route, which still lacks so many of its bytes; with none left it is being answered.
    case passing(left: Int)
    /// Where requests end is the parser's to know: all that comes goes there.
    case unframed
  }

  /// Of a request that is not whole yet, the last deadline that was set.
  private enum Wait { case none, head, body }

  /// A client that sends a head in more pieces than these is left to the parser: each piece is read from the head's beginning.
  private static let piecesMax = 8
  /// The answers that come at once, one after another, before the event loop serves others: each may be one to a whole batch.
  static let turnAnswersMax = 32
  /// How long the loop then serves others. A task that is merely put behind the others would come before all that sockets bring: NIO looks
  /// at them only when no task is left.
  private static let turnPause = TimeAmount.milliseconds(1)

  /// Not in the pipeline before a request goes to its route; until then it hears of the connection from the lane alone.
  let guarding: ConnectionGuard
  private let rules: ListenerRules
  private var state = State.open
  /// Bytes that wait for a request's end, or for the answer to the request before. While an answer is awaited nothing is read any more
  /// once there are any. When the client's side ends NIO reads on all the same: what is beyond `HTTPLimits.heldBytesMax` is dropped.
  private var held: ByteBuffer?
  private var pieces = 0
  /// Where the request ends whose body is still arriving: its head is not read again with each piece.
  private var wholeBytes = 0
  private var waiting = Wait.none
  private var readIsWanted = false
  private var inputHasEnded = false
  private var isQuiescing = false
  /// Bytes were dropped: the connection ends after the answers to what was kept.
  private var hasDropped = false
  private var ownContext: ChannelHandlerContext?
  private var peer: SocketAddress?
  /// An answer that came while it was being asked for.
  private var early: FastAnswer?
  /// Such answers since this connection has last let the loop serve others. Those that come later need no bound: each comes in a turn of its own.
  private var turnAnswers = 0
  private var isInCall = false
  private var hasPassed = false
  /// The connection has ended while a request was being answered here.
  private var isOrphan = false
  /// Told once: that the first request is about to go to its route, or that the connection is over without one. Set it before the
  /// connection's first byte.
  var route: (any RouteSetup)?

  init(_ guarding: ConnectionGuard, _ rules: ListenerRules) {
    self.guarding = guarding
    self.rules = rules
    guarding.lane = self
  }

  // MARK: Connection

  /// Whether all that a route needs stands behind the lane; if nothing does yet, it is set up now.
  private func hasRoute(_ context: ChannelHandlerContext) -> Bool {
    guard let setup = route else { return guarding.isInPipeline }
    route = nil
    setup.isNeeded()
    // The new handlers take the channel for writable, and would write on and on.
    if !context.channel.isWritable { context.fireChannelWritabilityChanged() }
    return guarding.isInPipeline
  }

  private func isOver() {
    let setup = route
    route = nil
    setup?.isOver()
  }

  func handlerAdded(context: ChannelHandlerContext) {
    ownContext = context
    guarding.begins(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    ownContext = nil
    guarding.isGone()
    // A connection that never became active has no other end.
    isOver()
  }

  func channelInactive(context: ChannelHandlerContext) {
    if case .asking = state {
      isOrphan = true
      rules.orphans.begin()
    }
    state = .unframed
    held = nil
    inputHasEnded = false
    readIsWanted = false
    guarding.ends()
    isOver()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent:
      // The guard would close over the answer that is on its way.
      if case .asking = state { isQuiescing = true } else { surrender(context) }
      // Hummingbird is not told. It knows only of requests that it has: it would close over one that is still arriving or waits to be
      // turned away, and over the end of an answer that the client has not taken yet.
      if !isQuiescing { guarding.quiesces() }
    case ChannelEvent.inputClosed:
      guarding.inputEnds()
      inputHasEnded = true
      goOn(context)
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guarding.writabilityChanged()
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Behind the lane there may be nobody who would close.
    if guarding.isInPipeline { context.fireErrorCaught(error) } else { context.close(promise: nil) }
  }

  /// Whether requests are taken one at a time here, so that the guard need not keep the next one from being read.
  var isFramed: Bool { if case .unframed = state { false } else { true } }

  func read(context: ChannelHandlerContext) {
    if held != nil, isAnswering || isResting, !guarding.isDiscarding { readIsWanted = true } else { context.read() }
  }

  /// Whether the next request waits for the loop's next turn.
  private var isResting: Bool { turnAnswers >= Self.turnAnswersMax }

  private var isAnswering: Bool {
    switch state {
    case .asking, .passing(left: 0): true
    case .open, .passing, .unframed: false
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = Self.unwrapInboundIn(data)
    if guarding.isDiscarding { return guarding.isInPipeline ? pass(bytes, context) : guarding.drop(bytes.readableBytes) }
    guard !hasDropped, hasRoom(for: bytes) else {
      hasDropped = true
      return goOn(context)
    }
    if !isFramed { return pass(bytes, context) }
    if held == nil { held = bytes } else { held?.writeBuffer(&bytes) }
    goOn(context)
  }

  /// The bytes that wait here.
  var heldBytes: Int { held?.readableBytes ?? 0 }

  private func hasRoom(for bytes: ByteBuffer) -> Bool {
    (isFramed ? heldBytes : guarding.heldBytes) + bytes.readableBytes <= rules.limits.heldBytesMax
  }

  /// Those behind hear of it only if they were given anything.
  func channelReadComplete(context: ChannelHandlerContext) {
    guard hasPassed || guarding.isDiscarding else { return }
    hasPassed = false
    context.fireChannelReadComplete()
  }

  // MARK: Requests

  /// The guard has answered the request that went to its route.
  func exchangeEnded() {
    guard let context = ownContext, case .passing(left: 0) = state else { return }
    state = .open
    goOn(context)
  }

  /// Completes when all that was written before has left.
  func flushed() -> EventLoopFuture<Void>? { ownContext?.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())) }

  /// Leaves what is held to the parser, and all that follows.
  func surrender() {
    if let context = ownContext { surrender(context) }
  }

  private func surrender(_ context: ChannelHandlerContext) {
    guard case .open = state, held != nil else { return }
    state = .unframed
    goOn(context)
  }

  private func goOn(_ context: ChannelHandlerContext) {
    while !guarding.isDiscarding, let bytes = held, step(bytes, context) {}
    // Before the parser hears of the end: it would refuse the request that was cut.
    if hasDropped, mayEnd { guarding.endsAfterHeld() }
    if inputHasEnded, mayEnd {
      inputHasEnded = false
      if guarding.isInPipeline { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) } else { guarding.inputIsClosed() }
    }
    if readIsWanted, held == nil || !isAnswering && !isResting {
      readIsWanted = false
      context.read()
    }
  }

  /// Whether no more bytes follow those that are held.
  private var isAtEnd: Bool { inputHasEnded || hasDropped }

  /// Whether the others may hear now that the client sends nothing more.
  private var mayEnd: Bool {
    if case .asking = state { return false }
    return held == nil || guarding.isDiscarding
  }

  /// One step with what is held; false if there is nothing to do with it now.
  private func step(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
    switch state {
    case .asking, .passing(left: 0): return false
    case .unframed:
      held = nil
      pass(bytes, context)
      return true
    case .passing(let left):
      let part = take(min(left, bytes.readableBytes))
      state = .passing(left: left - part.readableBytes)
      pass(part, context)
      return true
    case .open: return !isResting && begin(bytes, context)
    }
  }

  private func take(_ count: Int) -> ByteBuffer {
    guard var bytes = held, let part = bytes.readSlice(length: count) else { return ByteBuffer() }
    held = bytes.readableBytes > 0 ? bytes : nil
    return part
  }

  private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard hasRoute(context) else { return context.close(promise: nil) }
    hasPassed = true
    guarding.bytesArrived(bytes)
    context.fireChannelRead(Self.wrapInboundOut(bytes))
  }

  /// Decides about the request that the bytes begin with; false if it must arrive further first.
  private func begin(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
    guard bytes.readableBytes >= wholeBytes || isAtEnd else { return false }
    wholeBytes = 0
    switch bytes.withUnsafeReadableBytes({ PlainRequest.read($0, guarding.limits) }) {
    case .other: state = .unframed
    case .partial:
      pieces += 1
      guard pieces <= Self.piecesMax, !isAtEnd else {
        state = .unframed
        return true
      }
      wait(.head, context)
      return false
    case .plain(let request):
      pieces = 0
      if request.isOrdinary, guarding.isAtRest, context.channel.isWritable, let fast = rules.fast() {
        switch begin(request, bytes, fast, context) {
        case .taken: return true
        case .tooShort: return false
        case .left: break
        }
      }
      waiting = .none
      guarding.plain = request.outline
      state = .passing(left: request.bytes)
    }
    return true
  }

  private enum Begun { case taken, tooShort, left }

  private func begin(_ request: PlainRequest, _ bytes: ByteBuffer, _ fast: any FastAnswers, _ context: ChannelHandlerContext) -> Begun {
    guard let bodyMax = bytes.withUnsafeReadableBytes({ fast.bodyMax(request, $0) }), request.bodyBytes <= bodyMax else { return .left }
    guard bytes.readableBytes >= request.bytes else {
      guard !isAtEnd else { return .left }
      wholeBytes = request.bytes
      wait(.body, context)
      return .tooShort
    }
    // Asked for once: a channel that has just been made does not know it yet.
    if peer == nil { peer = context.channel.remoteAddress }
    state = .asking
    isInCall = true
    defer { isInCall = false }
    let loop = context.eventLoop
    let bound = NIOLoopBound(self, eventLoop: loop)
    let isTaken = bytes.withUnsafeReadableBytes { bytes in
      fast.answer(request, UnsafeRawBufferPointer(rebasing: bytes[..<request.bytes]), peer: peer) { answer in
        if loop.inEventLoop { bound.value.answered(answer) } else { loop.execute { bound.value.answered(answer) } }
      }
    }
    guard isTaken else { return .left }
    waiting = .none
    guarding.requestIsTaken()
    _ = take(request.bytes)
    if let answer = early {
      early = nil
      write(answer, context)
      turnAnswers += 1
      if isResting { rest(context) }
    }
    return .taken
  }

  /// Lets the loop serve others, then goes on.
  private func rest(_ context: ChannelHandlerContext) {
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.turnPause) {
      self.turnAnswers = 0
      // The client may have gone meanwhile.
      if let context = self.ownContext { self.goOn(context) }
    }
  }

  private func answered(_ answer: FastAnswer) {
    guard !isOrphan else { return rules.orphans.end() }
    guard case .asking = state, let context = ownContext else { return }
    guard !isInCall else {
      early = answer
      return
    }
    write(answer, context)
    goOn(context)
  }

  private func write(_ answer: FastAnswer, _ context: ChannelHandlerContext) {
    guard !isQuiescing else {
      state = .unframed
      return guarding.close(after: context.writeAndFlush(Self.wrapOutboundOut(answer.closing)))
    }
    state = .open
    context.writeAndFlush(Self.wrapOutboundOut(answer.bytes), promise: nil)
    guarding.requestIsAnswered()
  }

  private func wait(_ wait: Wait, _ context: ChannelHandlerContext) {
    guard waiting != wait else { return }
    waiting = wait
    if wait == .head { guarding.headerBegins() } else { guarding.bodyBegins() }
  }
}

/// All that a route needs behind a lane. A connection does without it until a request goes to a route. It is told on the connection's loop.
protocol RouteSetup: AnyObject {
  /// Sets it up, before this returns.
  func isNeeded()
  /// The connection has ended, and nobody needed it.
  func isOver()
}

/// Answers some requests in the channel.
protocol FastAnswers: Sendable {
  /// How long the body of such a request may be; nil for a request that is none of them.
  func bodyMax(_ request: PlainRequest, _ bytes: UnsafeRawBufferPointer) -> Int?
  /// Begins to answer a request that has arrived whole. False: its route must answer it, and nothing has come of it.
  /// - Parameters:
  ///   - bytes: the request, which must not be kept.
  ///   - done: called exactly once, from anywhere, if the request is taken; possibly before this returns.
  func answer(
    _ request: PlainRequest, _ bytes: UnsafeRawBufferPointer, peer: SocketAddress?, done: @escaping @Sendable (FastAnswer) -> Void
  ) -> Bool
}
