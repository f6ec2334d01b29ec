import HummingbirdCore
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("Connections in groups")
struct ConnectionGroupsTests {
  @Test("The first connection runs its group, the others are handed to it, and the last ends it")
  func life() async {
    let group = ConnectionGroup<Int>()
    for round in 0..<3 {
      guard case .first(let arriving) = group.join(round) else {
        Issue.record("the first of round \(round) was handed to a group that has ended")
        return
      }
      for number in 1..<10 {
        guard case .handedOver = group.join(number) else {
          Issue.record("\(number) of round \(round) was not handed over")
          return
        }
      }
      for _ in 0..<10 { group.leave() }
      var arrived: [Int] = []
      for await number in arriving { arrived.append(number) }
      #expect(arrived == [round] + Array(1..<10))
    }
  }

  @Test("A group that is being cancelled takes nothing more, and begins anew once its connections have ended")
  func cancelled() async {
    let group = ConnectionGroup<Int>()
    guard case .first(let arriving) = group.join(0) else {
      Issue.record("not the first")
      return
    }
    let runner = Task { for await _ in arriving {} }
    runner.cancel()
    await runner.value
    guard case .alone = group.join(1) else {
      Issue.record("a connection was handed to a group that takes none")
      return
    }
    group.leave()
    guard case .first = group.join(2) else {
      Issue.record("the group did not begin anew")
      return
    }
  }

  @Test("A connection waits until it is known what it needs: the first word counts, and the end of its task asks for service")
  func needs() async {
    func accepted() -> Accepted<Idle> { Accepted(Idle()) { _ in } }
    let early = accepted()
    early.need(.none)
    early.need(.service)
    #expect(await early.needed() == .none)
    let late = accepted()
    async let need = late.needed()
    late.need(.service)
    #expect(await need == .service)
    let ended = accepted()
    let waiting = Task { await ended.needed() }
    waiting.cancel()
    #expect(await waiting.value == .service)
    for each in [early, late, ended] { _ = each.take() }
  }

  @Test("Connections that ask nothing, or only what is answered in the channel, are served by no route until they need one")
  func unserved() async throws {
    let echo = Echo()
    try await DemoServer.with(fast: echo) { server in
      var clients: [RawHTTP] = []
      for _ in 0..<20 { clients.append(try await RawHTTP.connect(port: server.port)) }
      for (number, client) in clients.enumerated() where number % 2 == 0 {
        try await client.send("GET /fast/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.answer().body == "/fast/\(number)")
      }
      for (number, client) in clients.enumerated() {
        switch number % 4 {
        case 0:
          try await client.send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "\(number)")
          try await client.send("GET /fast/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "/fast/\(number)")
        case 1: try await client.reset()
        // A client that ends its side is heard, whoever serves it.
        default:
          try await client.finishSending()
          #expect(try await client.untilClosed() == "")
        }
      }
    }
  }

  private struct Idle: ServerChildChannelValue {
    let channel: any Channel = EmbeddedChannel()
  }

  @Test("More connections than groups are served at the same time, and the listener ends with them")
  func served() async throws {
    try await DemoServer.with { server in
      var clients: [RawHTTP] = []
      for _ in 0..<300 { clients.append(try await RawHTTP.connect(port: server.port)) }
      for _ in 0..<2 {
        for (number, client) in clients.enumerated() {
          try await client.send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(try await client.answer().body == "\(number)")
        }
      }
      // Every other one ends first, so that groups lose connections while they serve others.
      for client in clients.indices.filter({ $0 % 2 == 0 }).map({ clients[$0] }) { await client.close() }
      for number in clients.indices where number % 2 == 1 {
        try await clients[number].send("GET /items/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await clients[number].answer().body == "\(number)")
      }
    }
  }
}
