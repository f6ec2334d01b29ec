import Foundation
import GatehouseCrypto
import Glibc
import StrictJSON
import TestSupport
import Testing

@Suite("The login floor in a running service") struct LoginFloorTests {
  /// The floors that the log told of, the newest last, in milliseconds.
  private func told(_ service: RunningService) throws -> [Int] {
    try service.log().split(separator: "\n").compactMap { line in
      guard case .object(let event)? = try? JSONValue.parse(Array(line.utf8)), case .string(let floor)? = event["floor_ms"] else {
        return nil
      }
      return Int(floor)
    }
  }

  /// How long a core of this machine works now to verify a password against a hash: nobody can be quicker, and other work beside it
  /// counts for nothing.
  private func verifying(_ text: String) throws -> Duration {
    func worked() -> Duration {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let hash = try #require(PasswordHash.parse(text))
    let start = worked()
    _ = try hash.verify(Array("not this one".utf8))
    return worked() - start
  }

  /// An answer's time beside what the hash takes just before and just after it: the machine's speed may change within a second.
  private func compared(_ service: RunningService, _ text: String) async throws -> (answer: Duration, hash: Duration) {
    let before = try verifying(text)
    let answer = try await refused(service, "nobody@example.com")
    return (answer, min(before, try verifying(text)))
  }

  private func refused(_ service: RunningService, _ email: String) async throws -> Duration {
    let start = ContinuousClock.now
    let answer = try await service.ask(
      "POST", "/v1/sessions", bearer: service.serviceKey("accounts"),
      headers: ["Gatehouse-Client-IP": "10.\(Int.random(in: 0..<256)).\(Int.random(in: 0..<256)).1"],
      body: #"{"email":"\#(email)","password":"not this one"}"#)
    try answer.expectProblem(401, "invalid_login")
    return start.duration(to: .now)
  }

  @Test(
    "A dear hash that another program writes while the service runs holds back the very next answers, until it is gone",
    .asvs("6.3.8"))
  func arriving() async throws {
    try await RunningService.with { service in
      try await eventually("the log tells the floor") { try !told(service).isEmpty }
      let user = try await service.newUser()
      let hash = try service.ledger("SELECT password_hash FROM users WHERE id = '\(user.id)'")
      let iterations = 1_500_000
      let dear = "pbkdf2:sha256:\(iterations)$salt$\(String(repeating: "0", count: 64))"
      _ = try service.ledger("UPDATE users SET password_hash = '\(dear)' WHERE id = '\(user.id)'")
      // The first may wait until the hash is measured; it waits for an unknown account as well.
      let first = try await compared(service, dear)
      #expect(first.answer >= first.hash, "\(first)")
      let floor = try #require(try told(service).last)
      // Each password of the dear account tells the service what the hash takes now, which changes with the machine's other work.
      var (known, others): ([Duration], [(answer: Duration, hash: Duration)]) = ([], [])
      for _ in 0..<5 {
        known.append(try await refused(service, user.email))
        others.append(try await compared(service, dear))
      }
      let ratio = others.map { $0.answer / $0.hash }.sorted()[others.count / 2]
      #expect(ratio >= 1, "the middle one of \(others)")
      let apart = zip(others, known).map { $0.answer / $1 }.sorted()[known.count / 2]
      #expect(apart > 0.9, "an unknown account's answers \(others.map(\.answer)) beside \(known) of the dear one")
      let before = try #require(try told(service).first)
      #expect(floor > 10 * before, "\(before) ms, then \(floor) ms")
      _ = try service.ledger(
        "UPDATE users SET password_hash = '\(hash.trimmingCharacters(in: .whitespacesAndNewlines))' WHERE id = '\(user.id)'")
      _ = try await refused(service, "nobody@example.com")
      let quick = try await compared(service, dear)
      #expect(quick.answer < quick.hash, "\(quick)")
    }
  }
}
