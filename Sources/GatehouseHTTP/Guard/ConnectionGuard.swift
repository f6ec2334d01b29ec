import NIOCore
import NIOHTTP1

/// Stands between the parser and Hummingbird, one for each connection, on its event loop. Before a request goes to a route there is
/// neither: then it keeps the connection's time and end, as its lane tells it.
///
/// A request goes on only when it has arrived whole and within every limit, so a handler never runs for one whose framing turns out
/// to be wrong, and never waits for a body. One request is in flight at a time; what a client pipelines waits here, and while
/// anything waits nothing more is read. A request that breaks a rule is answered with a problem, and the connection ends after it.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  enum Wait { case header, body, idle, leave, write, linger }

  private enum Held {
    case part(HTTPServerRequestPart)
    case failure(Problem)
    case inputClosed
    /// Bytes that came next were dropped.
    case gap
  }

  private enum Input {
    case awaitingHead
    case collecting(AcceptedHead, ByteBuffer?)
    /// The last answer is out or on its way; all that still arrives is dropped.
    case discarding(bytes: Int)
  }

  /// A request that was passed on and has no whole answer yet.
  struct Exchange {
    let version: HTTPVersion
    var closes: Bool
    var slot: AdmissionControl.Slot?
  }

  let rules: ListenerRules
  var exchange: Exchange?
  var wasTurnedAway = false
  let deadline = Deadline<Wait>()
  private(set) var isQuiescing = false
  private var input = Input.awaitingHead
  // While anything is in here nothing is read, until the client's side ends. The lane drops what comes beyond `HTTPLimits.heldBytesMax`.
  private var held = CircularBuffer<Held>(initialCapacity: 0)
  /// The bytes of what has come while anything waited.
  private var waitingBytes = 0
  private var endsAtGap = false
  private var readIsWanted = false
  private var inputHasEnded = false
  private var isLingering = false
  private var isCancelled = false
  /// The lane's before the guard stands in the pipeline itself.
  private(set) var ownContext: ChannelHandlerContext?
  private(set) var isInPipeline = false
  /// Stands before the parser, and says what comes through it.
  weak var lane: RequestLane?
  private(set) var requestLine = RequestLine()
  private(set) var hasHeaderBegun = false
  /// The head that the parser gives next, as the lane has read it.
  var plain: PlainRequest.Outline?
  /// The looks in `HTTPLimits.writeTimeout`.
  private static let standstillsMax = 3
  /// Bytes that the client had not taken at the last look, and the looks since it took any.
  private var untaken = 0
  private var standstills = 0
  // Of the body that is being collected, with the framing of its chunks.
  private var bodyBytesOnWire = 0

  init(_ rules: ListenerRules) { self.rules = rules }

  var limits: HTTPLimits { rules.limits }

  /// The head of a request whose body is still arriving.
  var arriving: HTTPRequestHead? { if case .collecting(let accepted, _) = input { accepted.head } else { nil } }

  // MARK: Connection

  /// The lane stands in the pipeline.
  func begins(_ context: ChannelHandlerContext) {
    ownContext = context
    deadline.start(on: context.eventLoop, passed)
    wait(.header, limits.headerTimeout)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    ownContext = context
    isInPipeline = true
  }

  /// The connection has ended.
  func ends() {
    deadline.cancel()
    discard()
  }

  /// The pipeline is taken down.
  func isGone() {
    ownContext = nil
    deadline.cancel()
  }

  /// The process ends. Each head of an answer from now on says that the connection ends, and it does after the answer.
  func quiesces() {
    isQuiescing = true
    if exchange == nil, case .awaitingHead = input, requestLine.isUntouched { wait(.leave, limits.leaveTimeout) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
    inputHasEnded = true
    if isDiscarding { inputIsClosed() } else { hold(.inputClosed, context) }
  }

  /// The client sends nothing more, and nobody else has to hear of it.
  func inputIsClosed() {
    guard let context = ownContext else { return }
    guard isDiscarding else { return unwritten(context) > 0 ? endWhenWritten(context) : context.close(promise: nil) }
    // Before that the last answer is still on its way; `linger` then closes.
    if isLingering { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .discarding = input { return }
    guard let reason = error as? HTTPParserError else { return context.fireErrorCaught(error) }
    guard reason == .headerOverflow else {
      return hold(.failure(.malformed("The request is not valid HTTP. Check its request line, header fields and body framing.")), context)
    }
    hold(.failure(requestLine.length > limits.uriBytesMax ? .uriTooLong(limits) : .headersTooLarge(limits)), context)
  }

  // MARK: Reading

  /// Called with bytes before the parser sees them.
  func bytesArrived(_ bytes: ByteBuffer) {
    guard let context = ownContext, exchange == nil, held.isEmpty else {
      waitingBytes += bytes.readableBytes
      return
    }
    waitingBytes = 0
    if case .collecting(_, let body) = input { return weigh(bytes, body, context) }
    guard case .awaitingHead = input else { return }
    if requestLine.isUntouched { headerBegins() }
    requestLine.append(bytes)
  }

  /// Counts what a body takes on the wire: the parser passes over chunk extensions of any length.
  private func weigh(_ bytes: ByteBuffer, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
    // The bytes that came before have been parsed by now; these have not.
    if bodyBytesOnWire > 8 * (body?.readableBytes ?? 0) + limits.chunkFramingBytesMax {
      refuse(.malformed("The chunks of the body are framing for the most part. Send larger chunks, without extensions."), context)
    }
    bodyBytesOnWire += bytes.readableBytes
  }

  func read(context: ChannelHandlerContext) {
    // If the lane sees where a request ends, the next one waits there.
    if held.isEmpty, exchange == nil || lane?.isFramed == true { context.read() } else { readIsWanted = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = Self.unwrapInboundIn(data)
    guard isDiscarding else { return hold(.part(part), context) }
    if case .body(let body) = part { drop(body.readableBytes) }
  }

  /// Only so much is read of what comes once nothing is looked at any more.
  func drop(_ count: Int) {
    guard case .discarding(let bytes) = input else { return }
    input = .discarding(bytes: bytes + count)
    if bytes + count > limits.discardedBytesMax { ownContext?.close(promise: nil) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if case .discarding = input { return context.read() }
    context.fireChannelReadComplete()
  }

  private func hold(_ event: Held, _ context: ChannelHandlerContext) {
    guard !endsAtGap else { return }
    held.append(event)
    goOn(context)
  }

  /// Takes up what is held, as far as the request in flight allows.
  func goOn(_ context: ChannelHandlerContext) {
    while exchange == nil, let event = held.popFirst() {
      switch event {
      case .part(.head(let head)): begin(head, context)
      case .part(.body(let bytes)): collect(bytes, context)
      case .part(.end): passOn(context)
      case .failure(let problem): refuse(problem, context)
      case .inputClosed: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      case .gap: endWhenWritten(context)
      }
    }
    if exchange == nil, readIsWanted {
      readIsWanted = false
      context.read()
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    requestLine = RequestLine()
    hasHeaderBegun = false
    let plain = plain
    self.plain = nil
    switch HeadRules.judge(head, limits, rules.endpoints, plain: plain) {
    case .refuse(let problem):
      refuse(problem, answering: head, context)
    case .accept(let accepted):
      input = .collecting(accepted, nil)
      bodyBytesOnWire = 0
      wait(.body, limits.bodyTimeout)
      if accepted.expectsContinue {
        context.writeAndFlush(Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
      }
    }
  }

  private func collect(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard case .collecting(let accepted, let before) = input else { return }
    guard (before?.readableBytes ?? 0) + bytes.readableBytes <= accepted.bodyBytesMax else {
      return refuse(.bodyTooLarge(accepted.bodyBytesMax), answering: accepted.head, context)
    }
    // Let go of the first buffer before it grows, else each part would copy it.
    input = .awaitingHead
    guard var body = before else {
      input = .collecting(accepted, bytes)
      return
    }
    body.writeImmutableBuffer(bytes)
    input = .collecting(accepted, body)
  }

  private func passOn(_ context: ChannelHandlerContext) {
    guard case .collecting(let accepted, let body) = input else { return }
    input = .awaitingHead
    deadline.clear()
    exchange = Exchange(version: accepted.head.version, closes: accepted.closes || isQuiescing)
    switch rules.admission.admit(accepted.admission) {
    case .refused(let problem): return turnAway(problem, answering: accepted.head, context)
    case .admitted(let slot): exchange?.slot = slot
    }
    // A client that does not take the answer before this one would hold the connection for ever: nothing changes any more.
    if !context.channel.isWritable { waitForTaking(context) }
    context.fireChannelRead(Self.wrapInboundOut(.head(accepted.head)))
    if let body { context.fireChannelRead(Self.wrapInboundOut(.body(body))) }
    context.fireChannelRead(Self.wrapInboundOut(.end(nil)))
    // Outside a read turn nobody else would tell Hummingbird's channel that there is something to take.
    context.fireChannelReadComplete()
  }

  // MARK: Ending

  /// Hummingbird closes when the client's side has ended. Bytes that the client has not taken yet must leave first: once the input has ended
  /// NIO closes both directions at once, and drops all that waits.
  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if mode == .input {
      // Only a task that is cancelled closes the input: the time to drain is over, and no client is waited for any more.
      isCancelled = true
      return context.close(mode: isDiscarding ? .all : .input, promise: promise)
    }
    guard !isCancelled, unwritten(context) > 0 else { return context.close(mode: mode, promise: promise) }
    context.channel.closeFuture.cascade(to: promise)
    // While all that arrives is dropped, the last answer is on its way, and the connection ends after it.
    if !isDiscarding { endWhenWritten(context) }
  }

  /// The bytes of what was written that the client has not taken yet.
  private func unwritten(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// Ends the connection once all that was written has left.
  private func endWhenWritten(_ context: ChannelHandlerContext) {
    exchange = nil
    discard()
    guard let written = lane?.flushed() else { return context.close(promise: nil) }
    closeAfter(written, nil, context)
  }

  /// From here on nothing that arrives is looked at.
  func discard() {
    input = .discarding(bytes: 0)
    held.removeAll()
  }

  /// Ends the connection so that the client reads the answer first: close our side, read on for a moment, then close.
  func linger(_ context: ChannelHandlerContext) {
    guard !inputHasEnded else { return context.close(promise: nil) }
    isLingering = true
    context.close(mode: .output, promise: nil)
    wait(.linger, limits.lingerTimeout)
    context.read()
  }

  // MARK: Time

  func wait(_ kind: Wait, _ delay: TimeAmount) { deadline.set(kind, in: delay) }

  /// Waits for the client to take what was written. One that has taken nothing at so many looks in a row is given up.
  func waitForTaking(_ context: ChannelHandlerContext) {
    (untaken, standstills) = (unwritten(context), 0)
    waitForLook()
  }

  private func waitForLook() { wait(.write, .nanoseconds(limits.writeTimeout.nanoseconds / Int64(Self.standstillsMax))) }

  private func isTaking(_ context: ChannelHandlerContext) -> Bool {
    let left = unwritten(context)
    standstills = left == untaken ? standstills + 1 : 0
    untaken = left
    return standstills < Self.standstillsMax
  }

  private func passed(_ kind: Wait) {
    // A request that waits in the lane for its rest is refused like one whose rest the parser waits for.
    if kind == .header || kind == .body {
      lane?.surrender()
      // The parser may have refused it.
      guard !isDiscarding else { return }
    }
    guard let context = ownContext else { return }
    switch kind {
    case .header where !requestLine.isUntouched:
      refuse(Problem(.requestTimeout, "The header did not arrive in time. Send it at once."), context)
    case .body:
      refuse(Problem(.requestTimeout, "The body did not arrive in time. Send it at once."), context)
    case .write where isTaking(context):
      waitForLook()
    case .leave where unwritten(context) > 0:
      endWhenWritten(context)
    case .header, .idle, .leave, .write, .linger:
      context.close(promise: nil)
    }
  }
}

/// The guard as the lane sees it.
extension ConnectionGuard {
  /// Whether the next request can be taken up.
  var isBetweenRequests: Bool {
    guard case .awaitingHead = input else { return false }
    return exchange == nil && held.isEmpty && requestLine.isUntouched
  }

  /// Whether nothing has been begun, and nothing is ending.
  var isAtRest: Bool { isBetweenRequests && !isQuiescing }

  /// Whether all that still arrives is dropped.
  var isDiscarding: Bool { if case .discarding = input { true } else { false } }

  /// The first bytes of a head have come.
  func headerBegins() {
    guard !hasHeaderBegun else { return }
    hasHeaderBegun = true
    wait(.header, limits.headerTimeout)
  }

  /// A head has come whose body is still arriving.
  func bodyBegins() { wait(.body, limits.bodyTimeout) }

  /// A request that arrived whole is answered by the lane.
  func requestIsTaken() {
    hasHeaderBegun = false
    deadline.clear()
  }

  /// The lane has answered.
  func requestIsAnswered() {
    if let context = ownContext { rest(context) }
  }

  /// The client sends nothing more; the event comes when its turn is.
  func inputEnds() { inputHasEnded = true }

  /// The bytes that wait for the answer to the request in flight.
  var heldBytes: Int { exchange == nil && held.isEmpty ? 0 : waitingBytes }

  /// Ends the connection after the answers to what is held: the client's next bytes are lost.
  func endsAfterHeld() {
    guard let context = ownContext, !isDiscarding, !endsAtGap else { return }
    hold(.gap, context)
    endsAtGap = true
  }

  /// Ends the connection when the lane's last answer is written.
  func close(after written: EventLoopFuture<Void>) {
    guard let context = ownContext else { return }
    discard()
    closeAfter(written, nil, context)
  }
}
