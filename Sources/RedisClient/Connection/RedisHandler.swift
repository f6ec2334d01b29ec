import NIOCore

/// The end of a channel's pipeline: bytes become replies, replies go to the connection in their order. On the loop only.
final class RedisHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let parser: ReplyParser
  private let connection: RedisConnection
  private var failure: RedisError = .connectionLost

  init(parser: ReplyParser, connection: RedisConnection) {
    self.parser = parser
    self.connection = connection
  }

  func channelActive(context: ChannelHandlerContext) { connection.opened(context.channel) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // One look at the clock for all replies of one read: they came together.
    let now = NIODeadline.now()
    do throws(RedisError) {
      try parser.feed(unwrapInboundIn(data))
      while let reply = try parser.next() {
        guard connection.received(reply, now: now) else { throw .protocolViolation("a reply that nobody asked for") }
      }
    } catch {
      failure = error
      connection.giveUp()
    }
  }

  func channelInactive(context: ChannelHandlerContext) { connection.ended(failure) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { connection.giveUp() }
}
