import Foundation
import Testing

/// Time, searched in a model around the real `ClockJudge`; what is in it stands at the head of `ClockModel.swift`.
///
/// `GATEHOUSE_MODEL_STATES` makes the searches long, as in `ModelTests`.
@Suite struct ClockModelTests {
  private static let states = ProcessInfo.processInfo.environment["GATEHOUSE_MODEL_STATES"].flatMap(Int.init) ?? 90_000

  /// Which clocks are moved in one search.
  struct Search: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scope: ClockScope
    init(_ name: String, _ change: (inout ClockScope) -> Void = { _ in }) {
      testDescription = name
      var scope = ClockScope()
      change(&scope)
      self.scope = scope
    }
  }

  static let searches = [
    Search("Redis's clock is moved") { $0.hostMoves = false },
    Search("one clock at a time is moved, with restarts") { $0.restarts = 2 },
    Search("one clock at a time is moved, with a reboot") {
      $0.restarts = 0
      $0.reboots = 1
    },
    Search("both clocks are wrong from a reboot on, and an operator accepts the right time") {
      ($0.redisMoves, $0.hostMoves, $0.bothMove) = (false, false, true)
      ($0.restarts, $0.reboots, $0.outages, $0.accepts) = (0, 1, 0, 1)
      $0.offsets.removeAll { $0 % ClockState.day != 0 }
    },
  ]

  @Test("Whichever clock is wrong, no unit is given twice and no row goes too early", arguments: searches)
  func holds(_ search: Search) {
    var run = ClockSearch(model: ClockModel(scope: search.scope), statesMax: Self.states / Self.searches.count)
    run.run()
    if let finding = run.finding { Issue.record("\(finding)") }
    #expect(run.isExhausted || run.states >= Self.states / Self.searches.count)
    print("the model of time, \(search.testDescription): \(run.states) states")
  }

  /// A rule that is switched off, and the search that shows why it is there.
  struct Needed: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scope: ClockScope
    let off: @Sendable (inout ClockRules) -> Void
  }

  /// One restart between two clocks that are wrong, one after the other.
  private static let restart = Search("a restart") {
    ($0.offsets, $0.outages, $0.moves) = ([-3 * ClockState.day, ClockState.day], 0, 2)
  }

  static let needed = [
    Needed(testDescription: "a jump is an alarm", scope: searches[0].scope) { $0.alarm = false },
    Needed(testDescription: "no older period", scope: searches[3].scope) { $0.noOlderPeriod = false },
    Needed(testDescription: "nothing is removed after a jump", scope: searches[3].scope) { $0.quiet = false },
    Needed(testDescription: "not before the newest stamp", scope: searches[3].scope) { $0.floor = false },
    Needed(testDescription: "goes on with the time of its boot", scope: restart.scope) { $0.resumes = false },
  ]

  @Test("Each rule is needed: without it the search finds a violation", arguments: needed)
  func isNeeded(_ rule: Needed) {
    var rules = ClockRules()
    rule.off(&rules)
    var run = ClockSearch(model: ClockModel(rules: rules, scope: rule.scope), statesMax: 500_000)
    run.run()
    print("without the rule that \(rule.testDescription): \(run.states) states, \(run.finding?.description ?? "no violation")")
    #expect(run.finding != nil, "the rule could be left out")
  }
}
