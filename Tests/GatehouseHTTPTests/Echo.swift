import NIOCore
import Synchronization

@testable import GatehouseHTTP

/// Answers `/fast/…` with its target, `/late/…` when it is told to, and takes nothing else.
final class Echo: FastAnswers {
  private let waiting = Mutex<[@Sendable () -> Void]>([])
  private let count = Mutex(0)

  /// How many requests were answered in the channel.
  var answered: Int { count.withLock { $0 } }
  var late: Int { waiting.withLock { $0.count } }

  func letGo() {
    for answer in waiting.withLock({ waiting in
      defer { waiting = [] }
      return waiting
    }) { answer() }
  }

  func bodyMax(_ request: PlainRequest, _ bytes: UnsafeRawBufferPointer) -> Int? {
    bytes[request.target].starts(with: "/fast/".utf8) || bytes[request.target].starts(with: "/late/".utf8) ? 1_000 : nil
  }

  func answer(
    _ request: PlainRequest, _ bytes: UnsafeRawBufferPointer, peer: SocketAddress?, done: @escaping @Sendable (FastAnswer) -> Void
  ) -> Bool {
    guard !bytes[request.target].elementsEqual("/fast/left".utf8) else { return false }
    count.withLock { $0 += 1 }
    let body = Array(bytes[request.target]) + Array(bytes[request.headBytes...])
    let answer = AnswerBytes(status: 200).ended(body: body, requestID: "r", origin: nil, CrossOrigin(origins: []))
    if bytes[request.target].starts(with: "/late/".utf8) { waiting.withLock { $0.append { done(answer) } } } else { done(answer) }
    return true
  }
}
