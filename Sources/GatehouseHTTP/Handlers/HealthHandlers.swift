import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// 200 while requests are answered, degraded while Redis is away or may forget what it counts; 503 while starting, draining or without the ledger.
  func readyz() -> Answer {
    let redisIsUp = hot.isUsable && lease.isHeld
    let isReady = readiness.now == .ready && ledger.isUp
    let status =
      switch readiness.now {
      case .starting: "starting"
      case .draining: "draining"
      case .ready: ledger.isUp ? (redisIsUp && !limits.memory.mayForget ? "ready" : "degraded") : "down"
      }
    return answer(
      isReady ? .ok : .serviceUnavailable,
      json { writer in
        writer.object { writer in
          writer.string("status", status)
          writer.string("redis", redisIsUp ? "up" : "down")
          writer.string("ledger", ledger.isUp ? "up" : "down")
          writer.string("clock", clock.believesRedis ? "believed" : "alarm")
        }
      })
  }
}
