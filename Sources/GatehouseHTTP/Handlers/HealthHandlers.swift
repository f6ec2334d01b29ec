import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// 200 while requests are answered, degraded while Redis is away or may forget what it counts; 503 while starting, draining or without the ledger.
  func readyz() -> Answer {
    let health = domain.health
    let isReady = readiness.now == .ready && health.ledgerIsUp
    let status =
      switch readiness.now {
      case .starting: "starting"
      case .draining: "draining"
      case .ready: health.ledgerIsUp ? (health.redisIsUp && !health.redisMayForget ? "ready" : "degraded") : "down"
      }
    return answer(
      isReady ? .ok : .serviceUnavailable,
      json { writer in
        writer.object { writer in
          writer.string("status", status)
          writer.string("redis", health.redisIsUp ? "up" : "down")
          writer.string("ledger", health.ledgerIsUp ? "up" : "down")
          writer.string("clock", health.clockIsBelieved ? "believed" : "alarm")
        }
      })
  }
}
