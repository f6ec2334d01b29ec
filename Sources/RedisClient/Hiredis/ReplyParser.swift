import CHiredis
import NIOCore

/// Bytes in, whole replies out. hiredis reads the protocol; instead of the objects that it would allocate, bounded functions of ours
/// copy onto a tape: with its own functions one hostile array length stalls the loop for seconds.
final class ReplyParser {
  /// The bounds beyond which a reply is refused and the connection closed.
  struct Bounds: Sendable {
    /// Elements of one array.
    var elementsMax = 1_024
    /// Values of one reply, nested ones included.
    var entriesMax = 16_384
    /// Bytes fed since the last whole reply.
    var bytesMax = 1 << 20
  }

  private let bounds: Bounds
  // hiredis holds bare pointers to `tape` and `functions`: both live as long as `reader`, which `deinit` frees first.
  private let tape: ReplyTape
  private let reader: UnsafeMutablePointer<redisReader>
  private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
  private var bytesSinceReply = 0
  private var isDead = false

  /// nil when there is no memory for a reader.
  init?(bounds: Bounds = Bounds()) {
    self.bounds = bounds
    tape = ReplyTape(elementsMax: bounds.elementsMax, entriesMax: bounds.entriesMax)
    functions = .allocate(capacity: 1)
    functions.initialize(to: Self.objectFunctions)
    guard let reader = redisReaderCreateWithFunctions(functions) else {
      functions.deallocate()
      return nil
    }
    self.reader = reader
    reader.pointee.privdata = Unmanaged.passUnretained(tape).toOpaque()
  }

  deinit {
    redisReaderFree(reader)
    functions.deallocate()
  }

  /// Takes bytes in. Throws `protocolViolation`; the parser is dead afterwards.
  func feed(_ bytes: ByteBuffer) throws(RedisError) {
    guard !isDead else { throw .protocolViolation("the reader is dead") }
    guard bytes.readableBytes > 0 else { return }
    bytesSinceReply += bytes.readableBytes
    let taken = bytes.withUnsafeReadableBytes { redisReaderFeed(reader, $0.baseAddress, $0.count) }
    guard taken == REDIS_OK else { throw fail() }
  }

  /// The next whole reply, nil if more bytes are needed. Throws `protocolViolation`; the parser is dead afterwards.
  func next() throws(RedisError) -> RedisReply? {
    guard !isDead else { throw .protocolViolation("the reader is dead") }
    var object: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw fail() }
    guard object != nil else {
      guard bytesSinceReply <= bounds.bytesMax else { throw fail("a reply is longer than \(bounds.bytesMax) bytes") }
      return nil
    }
    bytesSinceReply = 0
    guard let reply = tape.take() else { throw fail("an unreadable reply") }
    return reply
  }

  private func fail(_ message: String? = nil) -> RedisError {
    isDead = true
    if let message { return .protocolViolation(message) }
    // hiredis calls what our functions refuse "Out of memory".
    guard reader.pointee.err != REDIS_ERR_OOM else { return .protocolViolation("a reply beyond the bounds") }
    let said = withUnsafeBytes(of: &reader.pointee.errstr) { raw in String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self) }
    return .protocolViolation(said)
  }

  private static let objectFunctions = redisReplyObjectFunctions(
    createString: { task, bytes, count in
      guard let task, let bytes else { return nil }
      let copy = [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
      let reply: RedisReply =
        switch task.pointee.type {
        case REDIS_REPLY_ERROR: .error(RedisServerError(message: String(decoding: copy, as: UTF8.self)))
        case REDIS_REPLY_STATUS: .status(copy)
        default: .bytes(copy)
        }
      return put(task, reply)
    },
    createArray: { task, count in
      guard let task, let state = task.pointee.privdata else { return nil }
      return tape(state).putArray(count: Int(count)) ? state : nil
    },
    createInteger: { task, value in task.flatMap { put($0, .integer(value)) } },
    createNil: { task in task.flatMap { put($0, .null) } },
    freeObject: { _ in })

  private static func tape(_ state: UnsafeMutableRawPointer) -> ReplyTape {
    Unmanaged<ReplyTape>.fromOpaque(state).takeUnretainedValue()
  }

  /// The value that is given back only has to be a pointer; nobody reads it. nil refuses the reply.
  private static func put(_ task: UnsafePointer<redisReadTask>, _ reply: RedisReply) -> UnsafeMutableRawPointer? {
    guard let state = task.pointee.privdata else { return nil }
    return tape(state).putLeaf(reply) ? state : nil
  }
}
