import NIOCore

/// Where one connection is in its life, and what its shell must do next. Events that come in a phase that does not expect them
/// change nothing, so a late one of an earlier channel is harmless.
struct ConnectionState {
  enum Phase: Equatable {
    /// Not started, or ended for good.
    case idle
    case connecting
    /// The handshake is on its way.
    case greeting
    /// Commands may be sent; the server is on the timeline of this `master_replid`.
    case ready(replicationID: String)
    /// Closed by us; the end of the channel is awaited.
    case closing
    /// Waiting before the next attempt.
    case waiting
  }

  enum Action: Equatable {
    case nothing
    case connect
    case greet
    case close
    case retry(after: TimeAmount)
    /// The connection has ended for good.
    case finished
  }

  /// Beyond this many doublings every backoff is at its maximum.
  private static let doublingsMax = 16

  private(set) var phase: Phase = .idle
  private(set) var isStopping = false
  private var failures = 0
  private let backoffMin: TimeAmount
  private let backoffMax: TimeAmount

  init(backoffMin: TimeAmount, backoffMax: TimeAmount) {
    self.backoffMin = backoffMin
    self.backoffMax = backoffMax
  }

  /// Whether a caller's command may be sent.
  var replicationID: String? {
    if case .ready(let id) = phase, !isStopping { id } else { nil }
  }

  /// Whether there is a channel that can be written to.
  var isOpen: Bool {
    switch phase {
    case .greeting, .ready: true
    case .idle, .connecting, .closing, .waiting: false
    }
  }

  mutating func start() -> Action {
    guard phase == .idle, !isStopping else { return .nothing }
    phase = .connecting
    return .connect
  }

  /// The channel is up.
  mutating func opened() -> Action {
    guard phase == .connecting else { return .nothing }
    phase = isStopping ? .closing : .greeting
    return isStopping ? .close : .greet
  }

  /// The handshake is complete.
  mutating func greeted(replicationID: String) {
    guard phase == .greeting else { return }
    phase = .ready(replicationID: replicationID)
    failures = 0
  }

  /// The channel is useless, or no longer wanted.
  mutating func giveUp() -> Action {
    guard isOpen else { return .nothing }
    phase = .closing
    return .close
  }

  /// The channel ended, or never came up.
  /// - Parameter jitter: 0...1, spreads the reconnects of many connections.
  mutating func ended(jitter: Double) -> Action {
    guard isOpen || phase == .connecting || phase == .closing else { return .nothing }
    guard !isStopping else {
      phase = .idle
      return .finished
    }
    phase = .waiting
    let doubled = backoffMin.nanoseconds.multipliedReportingOverflow(by: 1 << Int64(min(failures, Self.doublingsMax)))
    let most = doubled.overflow ? backoffMax.nanoseconds : min(backoffMax.nanoseconds, doubled.partialValue)
    failures = min(failures + 1, Self.doublingsMax)
    return .retry(after: .nanoseconds(most / 2 + Int64(Double(most / 2) * jitter)))
  }

  /// The wait before the next attempt is over.
  mutating func backoffOver() -> Action {
    guard phase == .waiting else { return .nothing }
    phase = .connecting
    return .connect
  }

  /// No more commands are taken. Those that were sent may still be answered: `giveUp` when nothing is left.
  mutating func stop() -> Action {
    isStopping = true
    guard phase == .idle || phase == .waiting else { return .nothing }
    phase = .idle
    return .finished
  }
}
