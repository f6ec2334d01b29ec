/// The part of the ledger that keeps Redis in step with it.
public protocol HotLedger: Sendable {
  /// All that a process must know before it goes on serving from Redis, in one snapshot that was opened after this call began.
  func leasePoll() async throws -> LeasePoll
  /// Whether this change of a user, or a later one, is still pending.
  func isPending(_ change: PendingChange) async throws -> Bool
  /// Drops pending rows later, without waiting, each only if its sequence is still the one given. In the same transaction it notes
  /// what Redis's counter showed as their users were dropped there.
  func settled(_ changes: [PendingChange], by count: HotCount)
  /// Registers a timeline of Redis for a range of slots, under a new term and lineage. False, and nothing changed, if the registered
  /// timelines are no longer those that the proposal was made for.
  func register(_ registration: HotRegistration) async throws -> Bool
  /// No process serves from Redis: only for a process that knows that there is no other. The registration stays, unconfirmed.
  func vacate() async throws
  /// Gives every registered Redis a new term: all that it holds of users is cold. False if none is registered.
  func renewTerms(by actor: AuditActor, reason: String, now: Int64) async throws -> Unacknowledged<Bool>
  /// A vacant registration is in use again: Redis was seen to know nothing newer than the ledger. Changes nothing if another came.
  func confirm(_ term: HotTerm) async throws
  /// False once the ledger can't be read or written any more.
  var isUp: Bool { get }
}

/// The time that the ledger keeps.
public protocol ClockLedger: Sendable {
  /// Keeps the time for processes to come, later and without waiting, unless an operator has accepted another since.
  func keepClock(_ record: ClockRecord)
  /// Accepts a time: every process goes on from it once it has polled, all hot state is cold, and the open reservations keep what is
  /// left of their leases, which are moved by `shiftMilliseconds`. Gives what is now kept.
  func acceptClock(
    _ record: ClockRecord, shiftMilliseconds: Int64, by actor: AuditActor, reason: String, now: Int64
  ) async throws -> Unacknowledged<ClockRecord>
}
