/// The fast copy of the users' state. Nothing throws: a failure is a value, and the ledger serves instead.
public protocol GateStore: HotServer {
  /// One command in one flush; `reply` is called exactly once, on an event loop: don't block it. A connection that is not on the
  /// term's timeline gives a failure.
  func gate(_ query: HotQuery, under term: HotTerm, reply: @escaping @Sendable (Result<HotReply, HotFailure>) -> Void)
  /// Runs `ask` on an event loop, each time on another: what is asked in it leaves in one flush. It waits until Redis can take more
  /// without being late, for a command's deadline at most.
  /// - Parameter ask: told how many questions Redis can take there.
  func together(_ ask: @escaping @Sendable (_ room: Int) -> Void)
  /// Writes the snapshot if the ticket and the epoch still stand, and asks again: two commands, one flush.
  func install(
    _ snapshot: HotSnapshot, ticket: String, under term: HotTerm, then query: HotQuery
  ) async -> Result<HotReply, HotFailure>
  /// Gives a hold and its costs back if the hold is still there, then drops the user's hot state if told to. Sent without waiting.
  func giveBack(_ userID: UserID, holdID: String, thenDrop: Bool)
  /// The ledger has the units of a hold: takes the hold's mark away, so that no late `giveBack` can give them back. Where the mark is
  /// gone the hash was made anew and may lack the units: it is dropped. Sent without waiting.
  func keep(_ userID: UserID, holdID: String)
}

extension GateStore {
  /// `gate`, awaited.
  public func gate(_ query: HotQuery, under term: HotTerm) async -> Result<HotReply, HotFailure> {
    await withCheckedContinuation { continuation in gate(query, under: term) { continuation.resume(returning: $0) } }
  }
}

/// The whole hot state.
public typealias HotStore = LimitStore & GateStore
