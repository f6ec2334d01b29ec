import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import Logging
import ServiceLifecycle

/// Calibrates the login floor at start, says in the log what it is, and measures again while passwords come.
struct FloorKeeper: Service {
  /// Between two measurements of the dearest hash.
  static let interval: Duration = .seconds(15)

  let floor: LoginFloor
  let ledger: SQLLedger
  let live: LiveSettings

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        // Each login tries again what fails here, and answers for it.
        if let costs = try? await ledger.passwordCosts() { try? await floor.follow(costs, today: PasswordCost(live.passwordCost)) }
        floor.tell(minimum: live.loginFloorMin)
        await floor.refresh()
        try? await Task.sleep(for: Self.interval)
      }
    }
  }
}
