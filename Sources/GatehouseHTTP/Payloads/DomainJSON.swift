import GatehouseCore
import StrictJSON

// How the domain's values look in answers. A documented key is always there: null, never absent.

extension JSONWriter {
  mutating func instant(_ name: String, _ milliseconds: Int64?) { string(name, milliseconds.map(Instants.text)) }

  mutating func user(_ user: User, plan: String) {
    object { writer in
      writer.string("id", user.id.text)
      writer.string("external_id", user.externalID)
      writer.string("email", user.email)
      writer.bool("email_verified", user.emailVerified)
      writer.string("pending_email", user.pendingEmail)
      writer.string("name", user.name)
      writer.string("time_zone", user.timeZone)
      writer.string("plan", plan)
      writer.instant("plan_ends_at", user.planEndsAtMilliseconds)
      writer.string("status", user.status.rawValue)
      writer.instant("created_at", user.createdAtMilliseconds)
    }
  }

  mutating func session(_ session: Session, current: Bool, timeouts: SessionTimeouts) {
    object { writer in
      writer.string("id", session.id.text)
      writer.string("class", session.sessionClass.rawValue)
      writer.string("transport", session.transport.rawValue)
      writer.bool("current", current)
      writer.string("device", session.device)
      writer.string("user_agent", session.userAgent)
      writer.string("ip", session.ip)
      writer.instant("created_at", session.createdAtMilliseconds)
      writer.instant("last_seen_at", session.seenAtMilliseconds)
      writer.instant("authenticated_at", session.authenticatedAtMilliseconds)
      writer.instant("idle_expires_at", min(session.seenAtMilliseconds + timeouts.idleMilliseconds, session.expiresAtMilliseconds))
      writer.instant("expires_at", session.expiresAtMilliseconds)
    }
  }

  mutating func allowance(_ allowance: Allowance, withBonus: Bool = false) {
    object { writer in
      writer.string("metric", allowance.metric)
      writer.int64("limit", withBonus ? allowance.limit : allowance.limit.map { $0 + allowance.bonus })
      if withBonus { writer.int64("bonus", allowance.bonus) }
      writer.int64("used", allowance.used)
      writer.int64("held", allowance.held)
      writer.int64("remaining", allowance.remaining)
      writer.instant("resets_at", allowance.resetsAtMilliseconds)
    }
  }

  mutating func reservation(_ reservation: Reservation) {
    object { writer in
      writer.string("id", reservation.id.text)
      writer.string("user_id", reservation.userID.text)
      writer.string("metric", reservation.metric)
      writer.int64("amount", reservation.amount)
      writer.int64("committed", reservation.committed)
      writer.string("status", reservation.status.rawValue)
      writer.instant("period_starts_at", reservation.periodStartsAtMilliseconds)
      writer.instant("lease_expires_at", reservation.leaseExpiresAtMilliseconds)
      writer.instant("created_at", reservation.createdAtMilliseconds)
      writer.instant("finished_at", reservation.finishedAtMilliseconds)
    }
  }

  /// What the gate says of a reservation.
  mutating func heldReservation(_ reservation: Reservation) {
    object { writer in
      writer.string("id", reservation.id.text)
      writer.string("metric", reservation.metric)
      writer.int64("amount", reservation.amount)
      writer.string("status", reservation.status.rawValue)
      writer.instant("lease_expires_at", reservation.leaseExpiresAtMilliseconds)
    }
  }

  mutating func analysis(_ analysis: Analysis) {
    object { writer in
      writer.string("id", analysis.id.text)
      writer.string("user_id", analysis.userID.text)
      writer.string("status", analysis.status.rawValue)
      writer.string("filename", analysis.filename)
      writer.raw("metadata", Optional(analysis.metadata.utf8))
      writer.string("metric", analysis.metric)
      writer.int64("amount", analysis.amount)
      writer.string("reservation_id", analysis.reservationID.text)
      writer.instant("lease_expires_at", analysis.leaseExpiresAtMilliseconds)
      writer.raw("result", analysis.result?.utf8)
      writer.raw("error", analysis.error?.utf8)
      writer.instant("created_at", analysis.createdAtMilliseconds)
      writer.instant("finished_at", analysis.finishedAtMilliseconds)
    }
  }

  mutating func usageEvent(_ event: UsageEvent) {
    object { writer in
      writer.string("id", event.id.text)
      writer.string("action", event.action)
      writer.string("metric", event.metric)
      writer.int64("amount", event.amount)
      writer.instant("occurred_at", event.occurredAtMilliseconds)
      writer.raw("metadata", Optional(event.metadata.utf8))
    }
  }

  mutating func standing(_ standing: PolicyStanding) {
    object { writer in
      writer.string("policy", standing.policy)
      writer.int64("limit", standing.limit)
      writer.int64("window_seconds", standing.windowSeconds)
      writer.int64("remaining", standing.remaining)
      writer.int("reset_seconds", standing.resetSeconds)
      writer.bool("exceeded", standing.exceeded)
      writer.bool("shadow", standing.shadow)
    }
  }

  mutating func list<Item>(_ items: [Item], next: String?, _ each: (inout JSONWriter, Item) -> Void) {
    object { writer in
      writer.array("data") { writer in for item in items { each(&writer, item) } }
      writer.string("next_cursor", next)
    }
  }
}

/// The JSON text that a body of the writer makes.
func json(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
  var writer = JSONWriter()
  body(&writer)
  return writer.bytes
}
