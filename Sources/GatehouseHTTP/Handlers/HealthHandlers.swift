import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// 200 while requests are answered, degraded while Redis is away, refuses what is needed or may forget what it counts; 503 while starting, draining or without the ledger.
  func readyz() -> Answer {
    let health = domain.health
    let isReady = readiness.now == .ready && health.ledgerIsUp
    let redis = health.redisRefuses ? "refuses" : !health.redisIsUp ? "down" : health.redisMayForget ? "evicts" : "up"
    let status =
      switch readiness.now {
      case .starting: "starting"
      case .draining: "draining"
      case .ready: health.ledgerIsUp ? (redis == "up" ? "ready" : "degraded") : "down"
      }
    return answer(
      isReady ? .ok : .serviceUnavailable,
      json { writer in
        writer.object { writer in
          writer.string("status", status)
          writer.string("redis", redis)
          writer.string("ledger", health.ledgerIsUp ? "up" : "down")
          writer.string("clock", health.clockIsBelieved ? "believed" : "alarm")
        }
      })
  }
}
