import GatehouseCore

/// A reservation with its job and most of its answer, made ready before the transaction that decides about it.
struct ReservationDraft: Sendable {
  /// The id of the event that tells of units that are used at once.
  let event: UsageEventID
  private let request: ReservationRequest
  private let now: Int64
  private let begin: (@Sendable (Reservation, Analysis?) -> ReservedAnswer.End)?
  /// In the period that the gate named.
  private let guess: Made?

  /// All that is written; `end` writes the rest of the answer, nil if none is kept.
  struct Made: Sendable {
    let reservation: Reservation
    let analysis: Analysis?
    let end: ReservedAnswer.End?
  }

  /// - Parameter begin: begins the answer that is kept; nil for a call that can't be repeated.
  init(_ request: ReservationRequest, now: Int64, begin: (@Sendable (Reservation, Analysis?) -> ReservedAnswer.End)?) {
    event = .made(at: now)
    self.request = request
    self.now = now
    self.begin = begin
    guess = request.period.map { Self.made(request, in: $0, now: now, begin) }
  }

  /// The reservation in the period that the transaction found: mostly the one that was named.
  func made(in period: Period) -> Made {
    if let guess, period == request.period { return guess }
    return Self.made(request, in: period, now: now, begin)
  }

  /// A draft of this request under other ids.
  func renamed() -> ReservationDraft { ReservationDraft(request.renamed(at: now), now: now, begin: begin) }

  private static func made(
    _ request: ReservationRequest, in period: Period, now: Int64, _ begin: (@Sendable (Reservation, Analysis?) -> ReservedAnswer.End)?
  ) -> Made {
    let held = Reservation(
      id: request.id, userID: request.userID, metric: request.metric, amount: request.amount,
      periodStartsAtMilliseconds: period.startMilliseconds, periodEndsAtMilliseconds: period.endMilliseconds,
      leaseExpiresAtMilliseconds: now + request.leaseMilliseconds, createdAtMilliseconds: now)
    let reservation = request.commit ? held.committed(request.amount, now: now) : held
    let analysis = request.analysis.map { Analysis($0, on: reservation) }
    return Made(reservation: reservation, analysis: analysis, end: begin?(reservation, analysis))
  }
}

extension ReservationRequest {
  /// This request under other ids.
  fileprivate func renamed(at now: Int64) -> ReservationRequest {
    ReservationRequest(
      id: .made(at: now), userID: userID, metric: metric, amount: amount, leaseMilliseconds: leaseMilliseconds, commit: commit,
      period: period, isHeld: isHeld, analysis: analysis?.renamed(at: now))
  }
}

extension NewAnalysis {
  /// This job under another id.
  func renamed(at now: Int64) -> NewAnalysis { NewAnalysis(id: .made(at: now), filename: filename, metadata: metadata) }
}

extension UsageEvent {
  /// This event under another id.
  func renamed(at now: Int64) -> UsageEvent {
    UsageEvent(
      id: .made(at: now), userID: userID, action: action, metric: metric, amount: amount, occurredAtMilliseconds: occurredAtMilliseconds,
      metadata: metadata)
  }
}
