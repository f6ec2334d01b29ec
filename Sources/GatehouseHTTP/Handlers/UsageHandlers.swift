import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/usage`
  func usage(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context)
    guard let usage = try await usage(of: visitor.userID) else { throw Problem.unauthenticated }
    return answer(usage, fields: visitor.fields)
  }

  /// A user's standing with every metric; nil without such a user.
  func usage(of id: UserID) async throws -> [UInt8]? {
    guard let (user, standings) = try await work.standings(of: id) else { return nil }
    let period = user.period(.day, atMilliseconds: clock.now())
    return json { writer in
      writer.object { writer in
        writer.string("plan", plan(of: user))
        writer.string("time_zone", user.timeZone)
        writer.object("period") { writer in
          writer.string("kind", period.kind.rawValue)
          writer.instant("starts_at", period.startMilliseconds)
          writer.instant("ends_at", period.endMilliseconds)
        }
        writer.array("data") { writer in for standing in standings { writer.allowance(standing, withBonus: true) } }
      }
    }
  }

  /// `GET /v1/usage/events`
  func usageEvents(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, wanted) = try await visitor(request, context) {
      let declared = UsageEventsQuery.declared.fields
      let query = try UsageEventsQuery.declared.query(request.uri.query)
      let list = PagedList.usageEvents(of: try presentedToken(request).userID)
      return (page: try pageRequest(query, list), from: try query.read(declared.from), to: try query.read(declared.to))
    }
    let found = try await work.events(of: visitor.userID, from: wanted.from, to: wanted.to, page: wanted.page)
    return answer(
      json { $0.list(found.items, next: cursor(found.next, .usageEvents(of: visitor.userID))) { $0.usageEvent($1) } },
      fields: visitor.fields)
  }

  /// `POST /v1/usage/events`
  func recordEvents(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .work)
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let now = clock.now()
    let declared = EventFields.declared.fields
    let events = fields.read(EventsFields.declared.fields.events) { item in
      let user = item.read(declared.userID)
      let action = item.read(declared.action)
      let text = item.read(declared.occurredAt)
      let occurred = text.map(Instants.parse) ?? now
      if occurred == nil { item.refuse(declared.occurredAt, code: "invalid_instant", Remedy.instant()) }
      let metadata = item.read(declared.metadata)
      return UsageEvent(
        id: .made(at: now), userID: user ?? UserID(unchecked: ""), action: action, occurredAtMilliseconds: occurred ?? now,
        metadata: metadata.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    }
    try fields.finish()
    let call = try idempotency(request, scope: key.id.text, body: body)
    let accepted = events.count
    let stored = StoredAnswer(status: 201, body: json { $0.object { $0.int("accepted", accepted) } })
    switch try await work.record(events, call: call, answer: stored) {
    case .replay(let first): return replay(first)
    case .first: return answer(.created, stored.body)
    }
  }
}
