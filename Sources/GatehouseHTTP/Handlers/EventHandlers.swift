import GatehouseCore
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/events`: what happened after a place in the feed, the oldest first. The cursor of the answer is never null: it is where
  /// to go on, now or when more has happened.
  func events(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    _ = try serviceKey(request, .accounts)
    let (limit, place) = try page(PageQuery.declared.query(request.uri.query), .feed)
    let after = place ?? FeedPlace(number: 0)
    let found = try await domain.feed.events(after: after.number, limit: limit)
    let next = FeedPlace(number: found.last?.number ?? after.number)
    return answer(json { $0.list(found, next: cursor(next, .feed)) { $0.feedEvent($1) } })
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
