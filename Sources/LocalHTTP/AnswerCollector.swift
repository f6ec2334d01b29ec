import NIOCore
import NIOHTTP1

/// Puts an answer's parts together; fails when the connection ends first, the body is too large or the time is over.
final class AnswerCollector: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private let promise: EventLoopPromise<LocalHTTP.Answer>
  private let due: NIODeadline
  private var status = 0
  private var body: [UInt8] = []
  private var timer: Scheduled<Void>?

  init(_ promise: EventLoopPromise<LocalHTTP.Answer>, due: NIODeadline) {
    self.promise = promise
    self.due = due
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(deadline: due) { channel.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch Self.unwrapInboundIn(data) {
    case .head(let head): status = Int(head.status.code)
    case .body(let part):
      guard body.count + part.readableBytes <= LocalHTTP.bodyBytesMax else { return context.close(promise: nil) }
      body.append(contentsOf: part.readableBytesView)
    case .end:
      promise.succeed(LocalHTTP.Answer(status: status, body: body))
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    // Without effect once the answer is there.
    promise.fail(LocalHTTP.Failure.noAnswer)
    context.fireChannelInactive()
  }
}
