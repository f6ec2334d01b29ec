import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/events`: what happened after a place in the feed, the oldest first. The cursor of the answer is never null: it is where
  /// to go on, now or when more has happened.
  func events(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    _ = try serviceKey(request, .accounts)
    let page = try pageRequest(QueryReader(request.uri.query, known: ["limit", "cursor"]), list: "events")
    let after = page.after?.milliseconds ?? 0
    let found = try await ledger.feed(of: nil, after: after, limit: page.limit)
    let next = PageStart(milliseconds: found.last?.number ?? after, id: "")
    return answer(json { $0.list(found, next: cursor(next, list: "events")) { $0.feedEvent($1) } })
  }
}

extension JSONWriter {
  mutating func feedEvent(_ event: FeedEvent) {
    object { writer in
      writer.string("id", event.id)
      writer.string("type", event.type)
      writer.instant("occurred_at", event.occurredAtMilliseconds)
      writer.string("user_id", event.userID.text)
      writer.string("external_id", event.externalID)
      writer.raw("data", Optional(event.data.utf8))
    }
  }
}
