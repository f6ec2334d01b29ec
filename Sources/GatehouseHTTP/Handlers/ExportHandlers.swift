import GatehouseCore
import Hummingbird
import NIOCore
import StrictJSON

extension API {
  /// `GET /v1/user/export` (A16), streamed: a page of rows is in memory at a time, whatever the account holds.
  func exportAccount(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context, within: contract.sensitiveWithin)
    let now = clock.now()
    guard let user = try await ledger.user(visitor.userID), let allowances = try await ledger.allowances(of: user.id, now: now) else {
      throw Problem.unauthenticated
    }
    let plan = plan(of: user)
    var response = answer([], fields: visitor.fields)
    response.body = ResponseBody { body in
      var piece = JSONWriter(capacity: 65_536)
      piece.beginObject()
      piece.name("user")
      piece.user(user, plan: plan)
      piece.array("allowances") { writer in for allowance in allowances { writer.allowance(allowance, withBonus: true) } }
      piece.instant("exported_at", now)
      try await body.write(piece.take())
      try await list("sessions", &piece, &body) { page in
        try await ledger.sessions(of: user.id, first: visitor.sessionID, page: page, now: now)
      } each: { writer, session in
        writer.session(session, current: session.id == visitor.sessionID, timeouts: timeouts(session.sessionClass))
      }
      try await list("analyses", &piece, &body) { page in
        try await ledger.analyses(of: user.id, filter: AnalysisFilter(includesResult: true), page: page)
      } each: {
        $0.analysis($1)
      }
      try await list("usage_events", &piece, &body) { page in
        try await ledger.events(of: user.id, from: nil, to: nil, page: page)
      } each: {
        $0.usageEvent($1)
      }
      try await list("events", &piece, &body) { page in
        let found = try await ledger.feed(of: user.id, after: page.after?.milliseconds ?? 0, limit: page.limit)
        return Page(items: found, next: found.count < page.limit ? nil : found.last.map { PageStart(milliseconds: $0.number, id: "") })
      } each: {
        $0.feedEvent($1)
      }
      try await list("audit", &piece, &body) { page in
        try await ledger.audit(of: user.id, page: page)
      } each: {
        $0.auditEntry($1)
      }
      piece.endObject()
      try await body.write(piece.take())
      try await body.finish(nil)
    }
    return response
  }

  /// Writes the member `name`, a list, page by page.
  private func list<Item: Sendable>(
    _ name: String, _ piece: inout JSONWriter, _ body: inout any ResponseBodyWriter,
    pages: (PageRequest) async throws -> Page<Item>, each: (inout JSONWriter, Item) -> Void
  ) async throws {
    piece.beginArray(name)
    var request = PageRequest(limit: Limits.exportPageRows)
    while true {
      let page = try await pages(request)
      for item in page.items { each(&piece, item) }
      try await body.write(piece.take())
      guard let next = page.next else { break }
      request = PageRequest(limit: request.limit, after: next)
    }
    piece.endArray()
  }
}

extension Limits {
  /// Rows read at once for an export: at most some 80 KB each.
  static let exportPageRows = 16
}

extension JSONWriter {
  fileprivate mutating func take() -> ByteBuffer { ByteBuffer(bytes: takeBytes()) }

  fileprivate mutating func auditEntry(_ entry: AuditEntry) {
    object { writer in
      writer.instant("occurred_at", entry.occurredAtMilliseconds)
      writer.string("actor", entry.actor)
      writer.string("action", entry.action)
      writer.string("reason", entry.reason)
      writer.raw("detail", Optional(entry.detail.utf8))
    }
  }
}
