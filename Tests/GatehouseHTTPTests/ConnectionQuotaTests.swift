import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import GatehouseHTTP

@Suite("Connections of one client")
struct ConnectionQuotaTests {
  private func quota(_ bound: Int, exempt: [String] = []) -> ConnectionQuota {
    let ranges = exempt.compactMap { AddressRange($0) }
    return ConnectionQuota(bound: { bound }, isExempt: { address in ranges.contains { $0.contains(address) } })
  }

  private func peer(_ address: String) throws -> SocketAddress { try SocketAddress(ipAddress: address, port: 1_024) }

  /// How many of `count` connections are let in, and their places.
  private func enter(_ quota: ConnectionQuota, _ count: Int, _ address: (Int) -> String) throws -> [ConnectionQuota.Holding] {
    try (0..<count).compactMap { number in
      if case .letsIn(let place) = quota.enter(try peer(address(number))) { return place }
      return nil
    }
  }

  @Test("An IPv4 address has its bound, and a connection that ends makes room for one")
  func ipv4() throws {
    let quota = quota(3)
    let places = try enter(quota, 10) { _ in "203.0.113.7" }
    #expect(places.count == 3 && quota.refused == 7)
    #expect(try enter(quota, 10) { _ in "203.0.113.8" }.count == 3, "another address")
    #expect(try enter(quota, 10) { _ in "::ffff:203.0.113.8" }.isEmpty, "the same address, mapped into IPv6")
    quota.leave(places[0])
    #expect(try enter(quota, 10) { _ in "203.0.113.7" }.count == 1)
  }

  @Test("An IPv6 client has the bound for its /64 whatever its addresses, and a /48 four times as many")
  func ipv6() throws {
    let quota = quota(5)
    #expect(try enter(quota, 50) { "2001:db8:1:1::\(String($0 + 1, radix: 16))" }.count == 5)
    let site = try enter(quota, 200) { "2001:db8:1:\(String($0 + 2, radix: 16))::1" }
    #expect(site.count == 15)
    #expect(try enter(quota, 50) { _ in "2001:db8:2::1" }.count == 5, "another /48")
    for place in site { quota.leave(place) }
    #expect(try enter(quota, 200) { "2001:db8:1:\(String($0 + 2, radix: 16))::1" }.count == 15)
  }

  @Test("Trusted proxies, Unix sockets, and everybody where the bound is off have as many as they like")
  func exempt() throws {
    let quota = quota(2, exempt: ["10.0.0.0/8", "fd00::/8"])
    #expect(try enter(quota, 100) { _ in "10.1.2.3" }.count == 100)
    #expect(try enter(quota, 100) { _ in "fd00::1" }.count == 100)
    for _ in 0..<100 {
      guard case .letsIn = quota.enter(try SocketAddress(unixDomainSocketPath: "/tmp/x")), case .letsIn = quota.enter(nil) else {
        Issue.record("a peer without an address was refused")
        return
      }
    }
    #expect(try enter(self.quota(0), 1_000) { _ in "203.0.113.7" }.count == 1_000)
    #expect(quota.refused == 0)
  }

  @Test("Nothing is kept of a client that has left")
  func leaves() throws {
    let quota = quota(2)
    for round in 0..<100 {
      let places = try enter(quota, 5) { "198.51.\(round).\($0 % 2)" }
      #expect(places.count == 4)
      for place in places { quota.leave(place) }
    }
    #expect(quota.openNetworks == 0)
  }

  @Test("One connection too many is closed unanswered and counted, those that are open go on, and one that ends makes room")
  func served() async throws {
    let quota = quota(3)
    try await DemoServer.with(quota: quota) { server in
      var clients: [RawHTTP] = []
      for _ in 0..<3 { clients.append(try await RawHTTP.connect(port: server.port)) }
      func ask(_ client: RawHTTP) async throws -> Int {
        try await client.send("GET /items/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        return try await client.answer().status
      }
      for client in clients { #expect(try await ask(client) == 200) }
      for _ in 0..<5 {
        let refused = try await RawHTTP.connect(port: server.port)
        #expect(try await refused.untilClosed().isEmpty)
      }
      try await eventually("all are counted") { quota.refused == 5 }
      for client in clients { #expect(try await ask(client) == 200) }
      await clients[0].close()
      try await eventually("there is room") {
        let next = try await RawHTTP.connect(port: server.port)
        guard (try? await ask(next)) == 200 else { return false }
        return true
      }
    }
  }
}
