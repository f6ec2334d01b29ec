import GatehouseCore
import Logging
import ServiceLifecycle

/// Keeps the lease of a process that works on the folder for one command: Redis hears of a change only under one.
struct LeasePolls: Service {
  let keeper: LeaseKeeper
  let log: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do { try await keeper.poll() } catch { log.error("The lease poll fails", metadata: ["error": "\(error)"]) }
        try? await Task.sleep(for: Lease.pollInterval)
      }
    }
  }
}
