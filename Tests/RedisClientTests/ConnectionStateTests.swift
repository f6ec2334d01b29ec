import NIOCore
import Testing

@testable import RedisClient

@Suite("Connection state")
struct ConnectionStateTests {
  private var state = ConnectionState(backoffMin: .milliseconds(20), backoffMax: .milliseconds(250))

  @Test("A connection is greeted before callers may use it")
  mutating func life() {
    #expect(state.start() == .connect)
    #expect(state.opened() == .greet)
    #expect(state.isOpen && state.replicationID == nil)
    state.greeted(replicationID: "r")
    #expect(state.replicationID == "r")
    #expect(state.ended(jitter: 1) == .retry(after: .milliseconds(20)))
    #expect(state.replicationID == nil && !state.isOpen)
    #expect(state.backoffOver() == .connect)
  }

  @Test("Waits double to their maximum, half of them random, and a greeting resets them")
  mutating func backoff() {
    #expect(state.start() == .connect)
    var waits: [TimeAmount] = []
    for index in 0..<40 {
      guard case .retry(let wait) = state.ended(jitter: index.isMultiple(of: 2) ? 0 : 1) else { return #expect(Bool(false)) }
      waits.append(wait)
      #expect(state.backoffOver() == .connect)
    }
    #expect(Array(waits.prefix(5)) == [10, 40, 40, 160, 125].map { TimeAmount.milliseconds($0) })
    #expect(Array(waits.suffix(2)) == [.milliseconds(125), .milliseconds(250)])
    #expect(state.opened() == .greet)
    state.greeted(replicationID: "r")
    #expect(state.ended(jitter: 1) == .retry(after: .milliseconds(20)))
  }

  @Test("A failed handshake does not reset the wait")
  mutating func refused() {
    #expect(state.start() == .connect)
    _ = state.ended(jitter: 1)
    #expect(state.backoffOver() == .connect)
    #expect(state.opened() == .greet)
    #expect(state.giveUp() == .close)
    #expect(state.giveUp() == .nothing)
    #expect(state.ended(jitter: 1) == .retry(after: .milliseconds(40)))
  }

  @Test("Late events of an earlier channel change nothing")
  mutating func late() {
    #expect(state.start() == .connect)
    #expect(state.ended(jitter: 0) == .retry(after: .milliseconds(10)))
    #expect(state.ended(jitter: 0) == .nothing)
    #expect(state.opened() == .nothing)
    state.greeted(replicationID: "r")
    #expect(state.phase == .waiting)
  }

  @Test("Stopping takes no more commands, and ends in every phase")
  mutating func stopping() {
    #expect(state.stop() == .finished)
    #expect(state.start() == .nothing)

    var waiting = ConnectionState(backoffMin: .milliseconds(20), backoffMax: .milliseconds(250))
    _ = waiting.start()
    _ = waiting.ended(jitter: 0)
    #expect(waiting.stop() == .finished)
    #expect(waiting.backoffOver() == .nothing)

    var connecting = ConnectionState(backoffMin: .milliseconds(20), backoffMax: .milliseconds(250))
    _ = connecting.start()
    #expect(connecting.stop() == .nothing)
    #expect(connecting.opened() == .close)
    #expect(connecting.ended(jitter: 0) == .finished)

    var ready = ConnectionState(backoffMin: .milliseconds(20), backoffMax: .milliseconds(250))
    _ = ready.start()
    _ = ready.opened()
    ready.greeted(replicationID: "r")
    #expect(ready.stop() == .nothing)
    #expect(ready.replicationID == nil && ready.isOpen)
    #expect(ready.giveUp() == .close)
    #expect(ready.ended(jitter: 0) == .finished)
  }
}
