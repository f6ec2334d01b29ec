import GatehouseCore
import GatehouseCrypto
import GatehouseHTTP
import GatehouseLedger
import Logging
import RedisClient
import ServiceLifecycle

/// The work that a process does by itself: the lease poll, leases that ran out, rows that nobody keeps.
struct Upkeep: Service {
  private static let sweepInterval: Duration = .seconds(60)
  private static let memoryInterval: Duration = .seconds(5)
  /// The most rows that one step of a sweep changes: callers wait for it.
  private static let rowsMax = 500
  private static let expiredMax = 50
  private static let siblingsMax = 100
  /// How often the time is kept for processes to come.
  private static let clockInterval: Duration = .seconds(60)

  let domain: Domain
  let lease: Lease
  let redis: RedisClient
  let hot: any HotStore
  let ledger: SQLLedger
  let secret: LiveSecret
  let log: Logger

  private var clock: ServiceClock { domain.clock }

  func run() async throws {
    try await nameSiblings()
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await poll() }
        group.addTask { await sweep() }
        group.addTask { await watchMemory() }
        group.addTask { await RefusalTrials(redis: redis, log: log).run() }
      }
    }
  }

  /// Accounts of one address in two spellings are there only from before there was one canonical form. Both work; an operator who
  /// knows of them can ask their owner which is to stay.
  private func nameSiblings() async throws {
    let siblings = try await ledger.sharingAnAddress(max: Self.siblingsMax)
    guard !siblings.isEmpty else { return }
    log.warning(
      "Some accounts have an address that an older account has in another spelling: they are found by their own spelling alone",
      metadata: ["users": .array(siblings.map { .string($0.text) }), "is_whole": "\(siblings.count < Self.siblingsMax)"])
  }

  private func poll() async {
    var failing = false
    var watch = LeaseWatch()
    var clockWatch = ClockWatch()
    var nextKeep = ContinuousClock.now
    while !Task.isCancelled {
      do {
        try await domain.keeper.poll()
        failing = false
      } catch {
        if !failing { log.error("The lease poll fails: serving from the ledger", metadata: ["error": "\(error)"]) }
        failing = true
      }
      clock.saw(hostMilliseconds: ServiceClock.hostMilliseconds)
      if ContinuousClock.now >= nextKeep, let record = clock.record() {
        ledger.keepClock(record)
        nextKeep = .now + Self.clockInterval
      }
      for change in clockWatch.see(clock.status) { tell(change) }
      tell(watch.see(isHeld: redis.isUp ? lease.isHeld : nil, at: .now))
      try? await Task.sleep(for: Lease.pollInterval)
    }
  }

  /// An operator may change it while everything runs.
  private func watchMemory() async {
    let memory = domain.memory
    while !Task.isCancelled {
      if redis.isUp, let mayForget = await hot.mayForget(), mayForget != memory.mayForget {
        memory.mayForget = mayForget
        if mayForget {
          log.warning(
            """
            Redis is set to evict keys when its memory is full, and so may forget failed logins: they are counted in each process as well, \
            at its share of the limit. Set maxmemory-policy to noeviction, as the shipped redis.conf does.
            """)
        } else {
          log.notice("Redis no longer evicts keys")
        }
      }
      try? await Task.sleep(for: Self.memoryInterval)
    }
  }

  private func tell(_ change: LeaseChange?) {
    switch change {
    case nil: break
    case .lost: log.warning("The lease is lost: the ledger serves, with stricter rate limits")
    case .back(let after):
      log.notice("The lease is held again: Redis serves", metadata: ["lost_ms": "\(Int64(after / .milliseconds(1)))"])
    }
  }

  private func tell(_ change: ClockChange) {
    switch change {
    case .alarmed(let offset):
      log.error(
        """
        Redis's clock has jumped: the ledger serves by the boot-time clock, and nothing is removed, until Redis's clock agrees again. Set \
        the clock right, or accept the new time with: gatehouse clock accept
        """, metadata: ["offset_ms": "\(offset)"])
    case .agrees: log.notice("Redis's clock is believed again")
    case .hostWrong(let offset):
      log.warning("The host's clock has jumped: time goes on without it. Set it right", metadata: ["offset_ms": "\(offset)"])
    case .hostRight: log.notice("The host's clock is right again")
    }
  }

  private func sweep() async {
    while !Task.isCancelled {
      do {
        try await ledger.noteSecret(secret.now, now: clock.now())
        // Rows that are not removed now are removed by a later sweep.
        var expired = clock.isQuiet ? 0 : Self.expiredMax
        while expired == Self.expiredMax {
          expired = try await domain.work.expireOverdue(rowsMax: Self.expiredMax)
        }
        try await inSteps { try await ledger.purgeDeleted(rowsMax: Self.rowsMax) }
        try await inSteps { clock.isQuiet ? 0 : try await ledger.prune(rowsMax: Self.rowsMax, now: clock.now()) }
      } catch { log.warning("A sweep failed and is tried again", metadata: ["error": "\(error)"]) }
      try? await Task.sleep(for: Self.sweepInterval)
    }
  }
}

extension Upkeep {
  /// Repeats `step` until it finds nothing to remove, and leaves the writer to others for as long as each took.
  private func inSteps(_ step: () async throws -> Int) async throws {
    var begun = ContinuousClock.now
    while try await step() > 0, !Task.isCancelled {
      try? await Task.sleep(for: begun.duration(to: .now))
      begun = .now
    }
  }
}

/// Closes the ledger after everything that writes to it has stopped, or was to have stopped: its queue is written in any case.
struct LedgerService: Service {
  let ledger: SQLLedger
  let readiness: Readiness
  let log: Logger

  func run() async throws {
    // The last to be told of a shutdown, so cancellation comes first only if something else did not end in time.
    if (try? await gracefulShutdown()) == nil, readiness.now == .draining {
      log.warning("The drain time is over: requests that still run are cut off, and all that they had written is kept")
    }
    await ledger.close()
  }
}

/// Ends after the requests that are still being answered though their connections have ended: they need Redis and the ledger.
struct LastAnswers: Service {
  let orphans: OrphanedRequests

  func run() async throws {
    try? await gracefulShutdown()
    await orphans.ended()
  }
}

/// The first to stop: readiness turns before the listeners close, so that a balancer looks elsewhere.
struct Drain: Service {
  private static let notice: Duration = .milliseconds(300)
  let readiness: Readiness
  func run() async throws {
    // Cancelled without a shutdown: another service has failed, and that is what the process then says.
    guard (try? await gracefulShutdown()) != nil else { return }
    readiness.become(.draining)
    try? await Task.sleep(for: Self.notice)
  }
}
