import Testing

@testable import GatehouseCore

/// Makes every call of the contract at least once, on every path that makes a statement of its own.
package func everyCall(_ rig: Rig) async throws {
  let ledger = rig.ledger
  let mia = try await rig.signUp()
  try await accountCalls(ledger, mia)
  try await mailCalls(rig)
  try await sessionCalls(rig, mia)
  try await workCalls(rig, mia)
  try await rig.except(mia.id, "video_analysis", .bonus, 1, 0, .max)
  _ = try await ledger.snapshot(of: mia.id, now: Rig.now)
  _ = try await ledger.leasePoll()
  let change = PendingChange(routingID: mia.id.routingID, sequence: 1)
  _ = try await ledger.isPending(change)
  ledger.settled([change], by: Rig.count)
  let registration = HotRegistration(slots: HotNode.allSlots, address: "s", replicationID: "r", configEpoch: 0, topology: 0, above: 0)
  #expect(try await ledger.register(registration))
  #expect(try await ledger.renewTerms(by: .operations, reason: "test", now: Rig.now).value)
  try await ledger.vacate()
  let node = try #require(try await ledger.leasePoll().node)
  try await ledger.confirm(node.term)
  let key = ServiceKey(
    id: .random(), name: "app", hash: .token("key"), scopes: [.work], createdAtMilliseconds: Rig.now, expiresAtMilliseconds: nil)
  _ = try await ledger.createServiceKey(key, by: .operations)
  ledger.touchServiceKey(key.id, usedAt: Rig.now)
  _ = try await ledger.revokeServiceKey(key.id, by: .operations, now: Rig.now)
  _ = try await ledger.serviceKeys()
  let line = ClockJudge.Line(milliseconds: Rig.now, boot: 1)
  let kept = ClockRecord(boot: "boot", line: line, quietUntilMilliseconds: 0, accepts: 0, newestStampAtAccept: 0)
  ledger.keepClock(kept)
  _ = try await ledger.acceptClock(kept, shiftMilliseconds: 1, by: .operations, reason: "drill", now: Rig.now)
  _ = try await ledger.prune(rowsMax: 10_000, now: Rig.now)
  _ = try await ledger.deleteUser(mia.id, by: .operations, reason: nil, now: Rig.now)
  while try await ledger.purgeDeleted(rowsMax: 1_000) > 0 {}
}

private func accountCalls(_ ledger: any Ledger, _ mia: User) async throws {
  _ = try await ledger.user(mia.id)
  _ = try await ledger.user(email: mia.email)
  var changes = UserChanges()
  changes.externalID = .set("app-1")
  changes.status = .suspended
  _ = try await ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
  changes.status = .active
  _ = try await ledger.changeUser(mia.id, changes, by: .operations, now: Rig.now)
  _ = try await ledger.user(externalID: "app-1")
  _ = try await ledger.sharingAnAddress(max: 10)
  for query in ["", "mia"] { _ = try await ledger.users(matching: query, page: PageRequest()) }
  _ = try await ledger.credentials(email: mia.email)
  _ = try await ledger.credentials(of: mia.id)
  _ = try await ledger.passwordCosts()
  _ = try await ledger.overview(of: mia.id, now: Rig.now)
  _ = try await ledger.audit(of: mia.id, page: PageRequest())
  for user in [nil, mia.id] { _ = try await ledger.feed(of: user, after: 0, limit: 10) }
}

private func mailCalls(_ rig: Rig) async throws {
  var user = try await rig.signUp("mails")
  _ = try await rig.granted(user, commit: true)
  _ = try await rig.verify(user, token: "first")
  try await rig.askFor("moved@example.com", user)
  user = try #require(try await rig.verify(user, token: "second"))
  #expect(user.email == "moved@example.com")
  let reset = try await rig.keep(.passwordReset, user, token: "reset")
  _ = try await rig.ledger.owner(ofToken: reset, .passwordReset, now: Rig.now)
  _ = try await rig.ledger.resetPassword(token: reset, newHash: "hash", now: Rig.now)
}

private func sessionCalls(_ rig: Rig, _ mia: User) async throws {
  let ledger = rig.ledger
  try await rig.open(mia, token: "evicted")
  let session = try await rig.open(mia, token: "a", sessionsMax: 1)
  for token in ["a", "nowhere"] { _ = try await rig.found(token) }
  _ = try await ledger.passwordFailed(session.id, of: mia.id, failuresMax: 5, now: Rig.now)
  _ = try await ledger.session(session.id, of: mia.id, now: Rig.now)
  _ = try await ledger.sessions(of: mia.id, first: nil, page: PageRequest(), now: Rig.now)
  _ = try await ledger.prepareSuccessor(
    session.id, presented: .token("a"), hash: .token("b"), nonce: [1], keyID: "k1", now: Rig.now)
  for token in ["p", "q", "r", "s"] {
    _ = try await ledger.provePassword(session.id, presented: .token("a"), hash: .token(token), now: Rig.now)
  }
  _ = try await ledger.adoptSuccessor(.token("b"), graceMilliseconds: 1_000, now: Rig.now)
  ledger.touch(session.id, seenAt: Rig.now + 1)
  _ = try await ledger.changePassword(
    of: mia.id, verifiedHash: "hash", newHash: "hash", kept: session.id, newTokenHash: .token("c"), now: Rig.now)
  _ = try await ledger.endSession(session.id, of: mia.id, by: .operations, now: Rig.now)
  _ = try await ledger.endSessions(of: mia.id, except: nil, by: .operations, reason: nil, now: Rig.now)
  _ = try await ledger.endEveryone(by: .operations, reason: "drill", now: Rig.now)
}

private func workCalls(_ rig: Rig, _ mia: User) async throws {
  let ledger = rig.ledger
  let call = IdempotentCall(scope: mia.id.text, key: "k", fingerprint: .token("k"))
  let event = UsageEvent(id: .random(), userID: mia.id, action: "login", occurredAtMilliseconds: Rig.now, metadata: "{}")
  _ = try await ledger.record([event], call: call, now: Rig.now, answer: StoredAnswer(status: 200, body: []))
  _ = try await ledger.answer(to: call, now: Rig.now)

  let cancelled = try await rig.granted(mia, analysis: .video())
  if let analysis = cancelled.analysis {
    _ = try await ledger.cancelAnalysis(analysis.id, of: mia.id, now: Rig.now)
    _ = try await ledger.cancelAnalysis(analysis.id, of: mia.id, now: Rig.now)
  }
  let released = try await rig.granted(mia)
  _ = try await ledger.attachAnalysis(
    .video(), to: released.reservation.id, of: mia.id, leaseMilliseconds: 1, call: nil, now: Rig.now, encode: Rig.answer)
  _ = try await ledger.release(released.reservation.id, now: Rig.now)
  let expired = try await rig.granted(mia, lease: 1, analysis: .video())
  _ = try await ledger.extend(expired.reservation.id, leaseMilliseconds: 2, now: Rig.now)
  if let analysis = expired.analysis {
    _ = try await ledger.report(analysis.id, .running(leaseMilliseconds: 3), now: Rig.now)
    _ = try await ledger.expireOverdue(rowsMax: 10, now: Rig.now + 5)
    _ = try await ledger.report(analysis.id, .completed(result: "{}", rereserve: true), now: Rig.now + 5)
    _ = try await ledger.analysis(analysis.id, of: mia.id)
  }
  let committed = try await rig.granted(mia, 2, metric: "report")
  _ = try await ledger.commit(committed.reservation.id, amount: 1, now: Rig.now)
  _ = try await ledger.reservation(committed.reservation.id)
  for status in [nil, AnalysisStatus.completed] {
    _ = try await ledger.analyses(of: mia.id, filter: AnalysisFilter(status: status), page: PageRequest())
  }
  _ = try await ledger.allowances(of: mia.id, now: Rig.now)
  _ = try await ledger.dailyUsage(of: mia.id, metric: "report", from: 0, to: .max)
  _ = try await ledger.events(of: mia.id, from: nil, to: nil, page: PageRequest())
}
