import GatehouseCore
import Hummingbird
import NIOCore
import StrictJSON

extension API {
  /// `GET /v1/user/export`: one snapshot of the account, however much it holds. It is written to a nameless file as fast as the disk
  /// takes it and sent from there in pieces, so a client that reads slowly holds no reader and no transaction.
  func exportAccount(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let visitor = try await visitor(request, context, within: Contract.sensitiveMilliseconds)
    guard let place = exports.enter() else {
      throw Problem(.overloaded, "Too many exports are being made. Try again in a moment.")
    }
    let now = clock.now()
    let folder = exports.folder
    let made = try await domain.export(of: visitor.userID) { [self] records -> Spool? in
      guard let user = try records.user() else { return nil }
      return try write(records, of: user, for: visitor, to: Spool(in: folder), now: now)
    }
    guard let spool = made else { throw Problem.unauthenticated }
    var response = answer([], fields: visitor.fields)
    response.body = .stream(
      ResponseBody { body in
        _ = place
        let end = ContinuousClock.now + Exports.sendMax
        var sent = 0
        while true {
          let piece = try await spool.piece(from: sent, length: Exports.pieceBytes)
          if piece.readableBytes == 0 { break }
          guard ContinuousClock.now < end else { throw ServiceError(.overloaded, "The export was read too slowly. Ask for it again.") }
          sent += piece.readableBytes
          try await body.write(piece)
        }
        try await body.finish(nil)
      })
    return response
  }

  private func write(
    _ records: any AccountRecords, of user: User, for visitor: Visitor, to spool: Spool, now: Int64
  ) throws -> Spool {
    var piece = JSONWriter(capacity: 65_536)
    piece.beginObject()
    piece.name("user")
    piece.user(user, plan: plan(of: user))
    let allowances = try records.allowances(now: now)
    piece.array("allowances") { writer in for allowance in allowances { writer.allowance(allowance, withBonus: true) } }
    piece.instant("exported_at", now)
    try list("sessions", &piece, spool) {
      try records.sessions(first: visitor.sessionID, page: $0, now: now)
    } each: { writer, session in
      writer.session(session, current: session.id == visitor.sessionID, timeouts: timeouts(session.sessionClass))
    }
    try list("analyses", &piece, spool, pages: records.analyses) { $0.analysis($1) }
    try list("usage_events", &piece, spool, pages: records.usageEvents) { $0.usageEvent($1) }
    try list("events", &piece, spool, pages: records.feed) { $0.feedEvent($1) }
    try list("audit", &piece, spool, pages: records.audit) { $0.auditEntry($1) }
    piece.endObject()
    try spool.append(piece.takeBytes())
    return spool
  }

  /// Writes the member `name`, a list, page by page.
  private func list<Item: Sendable>(
    _ name: StaticString, _ piece: inout JSONWriter, _ spool: Spool, pages: (PageRequest) throws -> Page<Item>,
    each: (inout JSONWriter, Item) -> Void
  ) throws {
    piece.beginArray(name)
    var request = PageRequest(limit: Exports.pageRows)
    while true {
      let page = try pages(request)
      for item in page.items { each(&piece, item) }
      try spool.append(piece.takeBytes())
      guard let next = page.next else { break }
      request = PageRequest(limit: request.limit, after: next)
    }
    piece.endArray()
  }
}

extension Exports {
  /// Rows read at once for an export: at most some 80 KB each.
  static let pageRows = 16
  /// The part of an export that is in memory while it is sent.
  static let pieceBytes = 65_536
  /// How long a client may take for one.
  static let sendMax: Duration = .seconds(3_600)
}

extension JSONWriter {
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
