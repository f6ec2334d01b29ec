import Synchronization

/// Sends drops to Redis one at a time; what comes while one is on its way goes with the next, together.
///
/// One at a time, since the counter tells data that went back by the newest drop that was answered: a second drop on its way would not
/// know of the first, and make older data look as if it had gone on.
final class Drops: Sendable {
  /// A drop that was sent, and what Redis said.
  struct Sent: Sendable {
    let mark: HotMark
    let answer: HotDrop
  }

  /// Users of one drop; a caller with more waits for a drop of its own.
  static let usersMax = 1_000

  private struct Waiting {
    let users: [String]
    let sequence: Int64
    let reply: CheckedContinuation<Sent?, Never>
  }

  private struct DropQueue {
    var waiting: [Waiting] = []
    var isSending = false
  }

  private let hot: any HotServer
  private let lease: Lease
  private let state = Mutex(DropQueue())

  init(hot: any HotServer, lease: Lease) {
    self.hot = hot
    self.lease = lease
  }

  /// Drops users' hot state under the present term; nil without one.
  /// - Parameter sequence: that of the change, 0 if it is none.
  func drop(_ users: [String], sequence: Int64) async -> Sent? {
    await withCheckedContinuation { reply in
      let starts = state.withLock { state in
        state.waiting.append(Waiting(users: users, sequence: sequence, reply: reply))
        defer { state.isSending = true }
        return !state.isSending
      }
      if starts { Task { await send() } }
    }
  }

  private func send() async {
    while let batch = take() {
      let mark = lease.with { $0.nextMark(sequence: batch.map(\.sequence).max() ?? 0) }
      var sent: Sent?
      if let mark {
        let answer = await hot.drop(batch.flatMap(\.users), mark)
        lease.with { $0.heard(answer, to: mark) }
        sent = Sent(mark: mark, answer: answer)
      }
      for waiting in batch { waiting.reply.resume(returning: sent) }
    }
  }

  private func take() -> [Waiting]? {
    state.withLock { state in
      var (count, users) = (0, 0)
      for waiting in state.waiting {
        users += waiting.users.count
        guard count == 0 || users <= Self.usersMax else { break }
        count += 1
      }
      guard count > 0 else {
        state.isSending = false
        return nil
      }
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting.prefix(count))
    }
  }
}
