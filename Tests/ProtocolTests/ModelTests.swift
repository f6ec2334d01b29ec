import Foundation
import TestSupport
import Testing

/// The protocol, searched in a model; what is in it stands at the head of `ModelState.swift`.
///
/// `GATEHOUSE_MODEL_STATES=10000000` makes the searches long (build with `-c release` for that), `GATEHOUSE_SEED` repeats one.
@Suite struct ModelTests {
  private static let states = ProcessInfo.processInfo.environment["GATEHOUSE_MODEL_STATES"].flatMap(Int.init) ?? 200_000

  /// The bounds of one search.
  struct Search: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scope: Scope
    init(_ name: String, _ change: (inout Scope) -> Void = { _ in }) {
      testDescription = name
      scope = Scope.quiet.with(change)
    }
  }

  static let searches = [
    Search("a revocation, Redis cold") {
      $0.revokeA = true
      $0.startsWarm = false
    },
    Search("a login and a revocation") {
      $0.login = true
      $0.revokeA = true
    },
    Search("a revocation, a cut, a crash") {
      $0.revokeA = true
      $0.cuts = 1
      $0.crashes = 1
    },
    Search("everyone, a restart, a flush") {
      $0.everyone = true
      $0.restarts = 1
      $0.flushes = 1
    },
    Search("a revocation and a login, by processes of two versions") {
      $0.revokeA = true
      $0.login = true
      $0.startsWarm = false
      $0.mixed = true
    },
    Search("all at once, by processes of two versions") { $0 = Scope.all.with { $0.mixed = true } },
    Search("all at once") { $0 = Scope.all },
  ]

  @Test("No interleaving within the bound breaks the protocol, and what was reached heals", arguments: searches)
  func breadthFirst(_ scoped: Search) {
    let bound = Self.states / Self.searches.count
    var random = SeededRandom(seed: Seed.current)
    let model = ProtocolModel(scope: scoped.scope)
    var unhealed: Set<String> = []
    var search = BreadthFirst(model: model, statesMax: bound)
    search.run(every: bound / 40) { state in
      if let failure = model.healing(of: state, using: &random) { unhealed.insert(failure) }
    }
    if let finding = search.finding { Issue.record("\(finding)") }
    #expect(unhealed.isEmpty, "seed \(Seed.current)")
    #expect(search.states == bound || search.isExhausted)
    print("the model, \(scoped.testDescription): \(search.states) states\(search.isExhausted ? ", all there are" : "")")
  }

  @Test("No long random interleaving breaks the protocol, and what was reached heals")
  func randomWalks() {
    var random = SeededRandom(seed: Seed.current)
    let model = ProtocolModel()
    var unhealed: Set<String> = []
    var walks = RandomWalks(model: model, seed: Seed.current)
    walks.run(stepsMax: Self.states) { state in
      if random.next(upperBound: UInt64(8)) == 0, let failure = model.healing(of: state, using: &random) { unhealed.insert(failure) }
    }
    if let finding = walks.finding { Issue.record("seed \(Seed.current): \(finding)") }
    #expect(unhealed.isEmpty, "seed \(Seed.current)")
    #expect(walks.steps >= Self.states)
    print("the model, at random from seed \(Seed.current): \(walks.steps) steps")
  }

  /// One rule left out, and what then happens.
  struct Omission: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let violation: String
    let rules: Rules
    let scope: Scope
    init(_ name: String, leadsTo violation: String, rules change: (inout Rules) -> Void, scope: (inout Scope) -> Void) {
      var rules = Rules()
      change(&rules)
      testDescription = name
      self.violation = violation
      self.rules = rules
      self.scope = Scope.quiet.with(scope)
    }
  }

  private static let letIn = "a session was let in after its revocation was acknowledged"
  private static let shutOut = "a live session was answered 401"

  static let omissions = [
    Omission("installs without a ticket", leadsTo: letIn, rules: { $0.ticketedInstall = false }) {
      $0.revokeA = true
      $0.startsWarm = false
    },
    Omission("a write instead of DEL", leadsTo: letIn, rules: { $0.onlyDel = false }) {
      $0.revokeA = true
      $0.login = true
    },
    Omission("no pending rows and no lease", leadsTo: letIn, rules: { $0.pendingRowAndLease = false }) {
      $0.revokeA = true
      $0.cuts = 1
    },
    Omission("401 by Redis alone", leadsTo: shutOut, rules: { $0.no401WithoutLedger = false }) {
      $0.login = true
      $0.cuts = 1
    },
    Omission("one epoch over restarts", leadsTo: letIn, rules: { $0.epochFollowsReplication = false }) {
      $0.revokeA = true
      $0.restarts = 1
    },
    Omission("a hash of its own for each version", leadsTo: letIn, rules: { $0.oneHash = false }) {
      $0.revokeA = true
      $0.mixed = true
    },
    Omission("acknowledged without a wait", leadsTo: letIn, rules: { $0.waitsForLeases = false }) {
      $0.revokeA = true
      $0.cuts = 1
    },
  ]

  @Test("Without any one of its rules the protocol breaks, and the search finds it", arguments: omissions)
  func eachRuleIsNeeded(_ omission: Omission) throws {
    var walks = RandomWalks(model: ProtocolModel(rules: omission.rules, scope: omission.scope), seed: Seed.current)
    walks.run(stepsMax: 2_000_000)
    let finding = try #require(walks.finding, "seed \(Seed.current)")
    #expect(finding.violation == omission.violation, "\(finding)")
  }
}
