import Foundation
import Testing

/// The protocol with two timelines of Redis and with data that goes back, searched in a model of its own: the head of
/// `FailoverState.swift` says what is in it.
///
/// `GATEHOUSE_MODEL_STATES=10000000` makes the searches long, as for `ModelTests`.
@Suite struct FailoverModelTests {
  private static let states = ProcessInfo.processInfo.environment["GATEHOUSE_MODEL_STATES"].flatMap(Int.init) ?? 200_000

  struct Search: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scope: FailoverScope
    init(_ name: String, _ change: (inout FailoverScope) -> Void) {
      testDescription = name
      var scope = FailoverScope()
      change(&scope)
      self.scope = scope
    }
  }

  static let searches = [
    Search("a second server is promoted while the first goes on answering") { $0.tickets = 1 },
    Search("the same and back to the first, which was never demoted") { $0.termsMax = 3 },
    Search("a login beside the revocation") {
      $0.tickets = 1
      $0.login = true
    },
    Search("an image of the same timeline is put in place") {
      $0.image = true
      $0.tickets = 1
    },
    Search("Redis refuses drops while an image is put in place") {
      $0.image = true
      $0.tickets = 1
      $0.errors = 2
    },
  ]

  @Test("No interleaving within the bound serves what was taken away", arguments: searches)
  func breadthFirst(_ scoped: Search) {
    let bound = Self.states / Self.searches.count
    var search = BreadthFirst(model: FailoverModel(scope: scoped.scope), statesMax: bound)
    search.run()
    if let finding = search.finding { Issue.record("\(finding)") }
    #expect(search.states == bound || search.isExhausted)
    print("the model with two servers, \(scoped.testDescription): \(search.states) states\(search.isExhausted ? ", all there are" : "")")
  }

  /// One rule left out, and what then happens.
  struct Omission: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let violation: String
    let rules: FailoverRules
    let scope: FailoverScope
    init(
      _ name: String, leadsTo violation: String = FailoverModel.letIn, rules change: (inout FailoverRules) -> Void,
      scope changeScope: (inout FailoverScope) -> Void = { _ in }
    ) {
      var (rules, scope) = (FailoverRules(), FailoverScope())
      change(&rules)
      changeScope(&scope)
      testDescription = name
      self.violation = violation
      self.rules = rules
      self.scope = scope
    }
  }

  private static let smallImage: @Sendable (inout FailoverScope) -> Void = { scope in
    scope.image = true
    scope.tickets = 0
    scope.crash = false
  }

  static let omissions = [
    Omission("timelines that are not registered", rules: { $0.registeredTerm = false }),
    Omission("terms without a quarantine", rules: { $0.quarantine = false }),
    Omission("any answered drop counts", rules: { $0.countedDrops = false }),
    Omission("polls settle before the quarantine is over", rules: { $0.settlesAfterQuarantine = false }),
    Omission("an epoch of the timeline alone", leadsTo: FailoverModel.stuck, rules: { $0.termInEpoch = false }) { $0.termsMax = 3 },
    Omission("no counter", rules: { ($0.counter, $0.counterInLedger) = (false, false) }, scope: smallImage),
    Omission("a counter that the ledger does not know", rules: { $0.counterInLedger = false }, scope: smallImage),
    Omission("two drops of a process on their way at once", rules: { $0.oneDropAtATime = false }, scope: smallImage),
    Omission("an error taken for a broken counter", leadsTo: FailoverModel.needless, rules: { $0.errorsAreNoAnswers = false }) {
      smallImage(&$0)
      $0.errors = 1
    },
  ]

  @Test("Without any one of its rules what was taken away is served, and the search finds it", arguments: omissions)
  func eachRuleIsNeeded(_ omission: Omission) throws {
    var search = BreadthFirst(model: FailoverModel(rules: omission.rules, scope: omission.scope), statesMax: 400_000)
    search.run()
    let finding = try #require(search.finding, "after \(search.states) states")
    #expect(finding.violation == omission.violation, "\(finding)")
  }

  /// A rule about older ledgers left out.
  struct Forgetting: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (inout RestoreRules) -> Void
  }

  static let forgettings = [
    Forgetting(testDescription: "Redis's number is not compared") { $0.comparesNumbers = false },
    Forgetting(testDescription: "compared with the present number alone") { $0.boundAtStart = false },
    Forgetting(testDescription: "the number is not remembered") { $0.remembersNumber = false },
  ]

  @Test("Nobody is served whom a ledger that is put back does not know: every state is looked at")
  func olderLedger() {
    var search = BreadthFirst(model: RestoreModel(), statesMax: 100_000)
    search.run()
    if let finding = search.finding { Issue.record("\(finding)") }
    #expect(search.isExhausted)
    print("the model of a ledger that is put back: \(search.states) states, all there are")
  }

  @Test("Without any one rule about older ledgers somebody unknown is served, and the search finds it", arguments: forgettings)
  func eachRuleAboutLedgers(_ forgetting: Forgetting) throws {
    var rules = RestoreRules()
    forgetting.change(&rules)
    var search = BreadthFirst(model: RestoreModel(rules: rules), statesMax: 100_000)
    search.run()
    #expect(search.finding?.violation == RestoreModel.letIn)
  }
}
