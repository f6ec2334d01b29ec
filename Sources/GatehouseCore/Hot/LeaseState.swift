/// The right to serve from Redis: of one term, for a while, and not before every process that was behind must have stopped. No I/O:
/// each change is told to it with its time, by the boot-time clock.
struct LeaseState {
  typealias Instant = ContinuousClock.Instant

  /// A read of the ledger that is about to begin.
  struct Read {
    fileprivate let start: Instant
    /// The sequence that it must at least show.
    fileprivate let least: Int64
  }

  /// Names this process in Redis.
  let process: String
  private(set) var term: HotTerm?
  /// Until when it may be served from: every pending change that was read is gone from Redis.
  var end: Instant?
  /// Until when the term is known to be the registered one, or one that others use no sooner than we stop.
  var knownUntil: Instant?
  /// When the quarantine of the term is over.
  private var readyAt: Instant?
  private var number: Int64 = 0
  private var own: Int64 = 0
  private var settled: (count: Int64, number: Int64, process: String) = (0, 0, "")
  private var vacantSequence: Int64?
  /// The newest sequence of the ledger that was seen, in it or in Redis.
  private var sequence: Int64 = 0
  /// The ledger has shown less than it had: it is an older one, and nothing of this term may be believed.
  private(set) var ledgerWentBack = false
  private var lastReadStart: Instant?

  init(process: String) { self.process = process }

  func reading(from now: Instant) -> Read { Read(start: now, least: sequence) }

  /// A read of the ledger ended at `now` with this registration and sequence. False if a younger read was told before: then it says
  /// nothing.
  mutating func read(_ read: Read, _ node: HotNode?, sequence found: Int64, at now: Instant) -> Bool {
    if let lastReadStart, read.start < lastReadStart { return false }
    lastReadStart = read.start
    if node?.term != term {
      term = node?.term
      stop()
      own = 0
      settled = (0, 0, "")
      ledgerWentBack = false
      sequence = found
      // Processes that are behind may go on for as long as their last read lets them; they read before the term was registered.
      readyAt = (node?.succeeds ?? 0) == 0 ? now : now + Lease.quarantine
    }
    knownUntil = max(knownUntil ?? read.start, read.start + Lease.duration)
    if let node, node.counted > settled.count { settled = (node.counted, node.countedNumber, node.countedBy) }
    vacantSequence = node?.vacantSequence
    if found < read.least, term != nil { ledgerWentBack = true }
    // Nothing is believed before it is registered anew, which changes the term.
    if vacantSequence != nil || ledgerWentBack { stop() }
    sequence = ledgerWentBack ? found : max(sequence, found)
    return true
  }

  /// The ledger has this change: no later read may show less.
  mutating func learn(_ sequence: Int64) { self.sequence = max(self.sequence, sequence) }

  /// The mark to send with the next drop of the present term; nil without a term.
  /// - Parameter changed: the sequence of the change that is dropped.
  mutating func nextMark(sequence changed: Int64 = 0) -> HotMark? {
    guard let term else { return nil }
    number += 1
    // A look that must yet find out what Redis knows of the ledger tells it nothing.
    let known = vacantSequence == nil ? max(sequence, changed) : 0
    return HotMark(
      term: term, process: process, number: number, own: own, settled: settled.number, settledBy: settled.process, sequence: known)
  }

  /// Redis answered a drop.
  mutating func heard(_ drop: HotDrop, to mark: HotMark) {
    guard mark.term == term else { return }
    switch drop {
    case .counted(let count):
      own = max(own, count.number)
      sequence = max(sequence, count.sequence)
    case .broken, .behind: stop()
    case .noAnswer: break
    }
  }

  /// The term that may be served from now.
  func held(at now: Instant) -> HotTerm? {
    guard let end, now < end, isInForce(at: now) else { return nil }
    return term
  }

  /// Whether the answer to a drop counts for a change now. A process that serves from this term serves what came after the drop. A process
  /// that served from another term has stopped. A process that will serve from another term reads the ledger anew.
  func isInForce(at now: Instant) -> Bool {
    guard term != nil, let knownUntil, let readyAt else { return false }
    return now < knownUntil && now >= readyAt
  }

  /// Until the next read nothing is believed.
  private mutating func stop() {
    end = nil
    knownUntil = nil
  }

  /// The next step after the drop of a poll.
  enum AfterDrop: Equatable {
    case renewed
    /// Redis knows more of the ledger than was read: the next read says whether another process was faster.
    case doubted
    /// Redis knows nothing newer than the ledger did as a process began alone: the registration is good.
    case confirm
    case register(above: Int64)
    case nothing
  }

  /// The meaning of an answer to the drop of a poll: whether it counts for the rows that the poll read, and what follows.
  /// - Parameter isWhole: whether these were all pending rows.
  mutating func polled(
    _ drop: HotDrop, to mark: HotMark, read: Read, isWhole: Bool, at now: Instant
  ) -> (counts: Bool, outcome: AfterDrop) {
    guard mark.term == term, !ledgerWentBack else { return (false, .nothing) }
    switch drop {
    case .counted(let count):
      if let vacantSequence { return (false, count.sequence <= vacantSequence ? .confirm : .register(above: 0)) }
      // Later on a greater number is that of a change since the read: the next read must show it.
      if mark.own == 0, count.sequence > mark.sequence { return (false, .doubted) }
      if isWhole { end = max(end ?? read.start, read.start + Lease.duration) }
      return (isInForce(at: now), isWhole ? .renewed : .nothing)
    case .broken: return (false, .register(above: 0))
    case .behind(let greater): return (false, .register(above: greater))
    case .noAnswer: return (false, .nothing)
    }
  }

  /// Whether the answer to a drop counts for a change now.
  func counts(_ mark: HotMark, at now: Instant) -> Bool { mark.term == term && isInForce(at: now) }
}
