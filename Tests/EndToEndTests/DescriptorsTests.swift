import Testing

@testable import gatehouse

@Suite("Connections of the public listener")
struct DescriptorsTests {
  @Test(
    "Connections of the public listener leave descriptors for Redis and the ledger, however few there are",
    arguments: [
      (20_000, 1_048_576, 20_000), (20_000, 20_256, 20_000), (20_000, 20_000, 19_744), (20_000, 1_024, 768), (20_000, 300, 150),
      (50, 300, 50), (20_000, 1, 1),
    ])
  func bound(wanted: Int, descriptors: Int, taken: Int) {
    #expect(Descriptors.connectionsMax(wanted: wanted, descriptors: descriptors) == taken)
  }

  /// Descriptors that a process without clients has open, and those that the listeners accept before they look at their bounds again.
  static let own = 32 + 16

  @Test(
    "Connections of the ops listeners leave descriptors for Redis and the ledger",
    arguments: [Descriptors.least, 300, 512, 1_024, 20_000, 1_048_576])
  func together(descriptors: Int) {
    let clients = Descriptors.connectionsMax(wanted: 20_000, descriptors: descriptors)
    let operators = 2 * Descriptors.operationsMax(descriptors: descriptors)
    #expect(clients + operators + Self.own <= descriptors)
  }
}
