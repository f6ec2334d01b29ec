import TestSupport

/// A model that can be searched: states, and what each may lead to.
protocol SearchableModel {
  associatedtype State: SearchableState
  var start: State { get }
  /// Calls `emit` with everything that can happen next, always in the same order.
  func next(_ state: State, _ emit: (Consequence<State>) -> Void)
}

protocol SearchableState {
  /// A number that stands for the state.
  func fingerprint() -> UInt64
}

/// The consequence of a step.
struct Consequence<State> {
  let step: Step
  let state: State
  /// A rule of the specification that the step broke.
  let violation: String?
}

extension ModelState: SearchableState {}

extension ProtocolModel: SearchableModel {
  var start: ModelState { ModelState(scope) }

  func next(_ state: ModelState, _ emit: (Consequence<ModelState>) -> Void) {
    next(state) { (successor: Successor) in
      emit(Consequence(step: successor.step, state: successor.state, violation: successor.violation))
    }
  }
}

/// A violation and how it came about.
struct Finding: CustomStringConvertible {
  let violation: String
  let trace: [Step]
  var description: String { violation + ":\n" + trace.map { "  \($0)" }.joined(separator: "\n") }
}

/// Every state that can be reached, nearest first, up to a bound.
struct BreadthFirst<Model: SearchableModel> {
  /// The set of fingerprints: open addressing, zero is an empty place.
  private struct Seen {
    private var places: [UInt64]
    private let mask: Int

    init(countMax: Int) {
      var size = 1 << 12
      while size < 2 * countMax { size <<= 1 }
      places = Array(repeating: 0, count: size)
      mask = size - 1
    }

    mutating func insert(_ fingerprint: UInt64) -> Bool {
      let key = fingerprint | 1
      var at = Int(truncatingIfNeeded: fingerprint >> 20) & mask
      while places[at] != 0 {
        if places[at] == key { return false }
        at = (at + 1) & mask
      }
      places[at] = key
      return true
    }
  }

  let model: Model
  let statesMax: Int
  private(set) var states = 0
  private(set) var depth = 0
  private(set) var finding: Finding?
  /// Every state was seen: there are no more.
  private(set) var isExhausted = false
  /// For each state in the order of its discovery: its parent and which of the parent's successors it is.
  private var parents: [UInt32] = []
  private var choices: [UInt16] = []

  init(model: Model, statesMax: Int) {
    self.model = model
    self.statesMax = statesMax
  }

  /// - Parameter visit: called with some of the states.
  mutating func run(every: Int = .max, visit: (Model.State) -> Void = { _ in }) {
    let start = model.start
    var seen = Seen(countMax: statesMax)
    var level: [(state: Model.State, number: UInt32)] = []
    _ = seen.insert(start.fingerprint())
    append(start, parent: 0, choice: 0, to: &level)
    while !level.isEmpty, finding == nil {
      var next: [(state: Model.State, number: UInt32)] = []
      for (state, number) in level {
        var choice: UInt16 = 0
        model.next(state) { (successor: Consequence<Model.State>) in
          defer { choice += 1 }
          guard finding == nil, states < statesMax else { return }
          if let violation = successor.violation {
            finding = Finding(violation: violation, trace: trace(to: number) + [successor.step])
            return
          }
          guard seen.insert(successor.state.fingerprint()) else { return }
          append(successor.state, parent: number, choice: choice, to: &next)
          if states % every == 0 { visit(successor.state) }
        }
        if states >= statesMax { return }
      }
      level = next
      depth += 1
    }
    isExhausted = finding == nil
  }

  private mutating func append(
    _ state: Model.State, parent: UInt32, choice: UInt16, to level: inout [(state: Model.State, number: UInt32)]
  ) {
    level.append((state, UInt32(states)))
    parents.append(parent)
    choices.append(choice)
    states += 1
  }

  private func trace(to number: UInt32) -> [Step] {
    var path: [UInt16] = []
    var at = Int(number)
    while at != 0 {
      path.append(choices[at])
      at = Int(parents[at])
    }
    var state = model.start
    return path.reversed().map { choice in
      var step = Step(name: .tick, process: 0, variant: 0)
      var count: UInt16 = 0
      let from = state
      model.next(from) { (successor: Consequence<Model.State>) in
        if count == choice { (step, state) = (successor.step, successor.state) }
        count += 1
      }
      return step
    }
  }
}

/// Long random interleavings.
struct RandomWalks {
  static let lengthMax = 120

  let model: ProtocolModel
  private var random: SeededRandom
  private(set) var steps = 0
  private(set) var finding: Finding?

  init(model: ProtocolModel, seed: UInt64) {
    self.model = model
    random = SeededRandom(seed: seed)
  }

  /// - Parameter end: called with the last state of every walk.
  mutating func run(stepsMax: Int, end: (ModelState) -> Void = { _ in }) {
    while steps < stepsMax, finding == nil {
      var state = ModelState(model.scope)
      var trace: [Step] = []
      while trace.count < Self.lengthMax, let next = model.pick(from: state, using: &random) {
        steps += 1
        trace.append(next.step)
        state = next.state
        if let violation = next.violation {
          finding = Finding(violation: violation, trace: trace)
          return
        }
      }
      end(state)
    }
  }
}

extension ProtocolModel {
  /// One of the successors, each as likely as the others.
  func pick<Random: RandomNumberGenerator>(
    from state: ModelState, using random: inout Random, where isWanted: (Successor) -> Bool = { _ in true }
  ) -> Successor? {
    var chosen: Successor?
    var count: UInt64 = 0
    next(state) { (successor: Successor) in
      guard isWanted(successor) else { return }
      count += 1
      if random.next(upperBound: count) == 0 { chosen = successor }
    }
    return chosen
  }

  /// Lets faults end and checks that everything comes right: nil, or what did not.
  func healing<Random: RandomNumberGenerator>(of start: ModelState, using random: inout Random) -> String? {
    var state = start
    var left = 3_000
    func isQuiet(_ s: ModelState) -> Bool {
      guard s.pending == 0, s.hasNoLateCommand else { return false }
      return s.p.isSettled(era: s.era) && s.q.isSettled(era: s.era)
    }
    func advance(_ goal: (ModelState) -> Bool) -> Bool {
      while !goal(state) {
        // Time is slow beside everything else once faults have ended.
        let ticks = random.next(upperBound: UInt64(8)) == 0
        guard left > 0,
          let next = pick(from: state, using: &random, where: { !$0.step.name.isOptional && (ticks || $0.step.name != .tick) })
        else { return false }
        left -= 1
        state = next.state
      }
      return true
    }
    guard advance(isQuiet) else { return "changes and pending rows do not come to an end" }
    for process in 0..<2 {
      for session in UInt8(0)..<2 where state.session(session) != ModelState.none {
        var answer: ModelAnswer?
        // A call may come without a lease; with one, Redis answers sooner or later.
        while answer?.fromRedis != true {
          guard left > 0, advance({ $0[process].gate == 0 && $0[process].lease > 0 }) else { return "Redis never answers again" }
          let begun = pick(from: state, using: &random) {
            $0.step.name == .begin && $0.step.process == process && $0.step.variant == session
          }
          guard let begun else { return "no gate can begin" }
          state = begun.state
          answer = nil
          while answer == nil {
            guard left > 0, let next = pick(from: state, using: &random, where: { !$0.step.name.isOptional && $0.step.name != .tick })
            else { return "a gate does not come to an end" }
            left -= 1
            state = next.state
            if next.step.process == process { answer = next.answer }
          }
          if answer?.allows != (state.session(session) == ModelState.live) { return "a gate answers wrong after healing" }
          if answer?.allows == false { break }
        }
      }
    }
    return nil
  }
}
