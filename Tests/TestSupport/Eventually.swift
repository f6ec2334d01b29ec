/// A condition that did not come true in time.
public struct NotInTime: Error, CustomStringConvertible {
  public let description: String
  public init(description: String) { self.description = description }
}

/// Waits until a condition holds; looks every 2 ms. Throws `NotInTime` after `limit`.
public func eventually(
  _ claim: String, within limit: Duration = .seconds(60), _ holds: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !holds() {
    guard ContinuousClock.now < end else { throw NotInTime(description: "not within \(limit): \(claim)") }
    try await Task.sleep(for: .milliseconds(2))
  }
}
