import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `GET /v1/usage` (A9)
  func usage(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let visitor = try await visitor(request, context)
    guard let user = try await ledger.user(visitor.userID),
      let standings = try await ledger.allowances(of: visitor.userID, now: clock.now())
    else { throw Problem.unauthenticated }
    let period = user.period(.day, atMilliseconds: clock.now())
    let body = json { writer in
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
    return answer(body, fields: visitor.fields)
  }

  /// `GET /v1/usage/history` (A10): a row a local date, gaps filled with 0; JSON or CSV.
  func usageHistory(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let query = try QueryReader(request.uri.query, known: ["metric", "from", "to", "format"])
    let metric = query["metric"] ?? allowances().metrics.first?.name ?? ""
    let (from, to, format) = (query["from"], query["to"], query["format"])
    guard allowances().metric(metric) != nil else {
      throw query.refusal("metric", code: "unknown_metric", "There is no metric \(metric.prefix(64)) in the configuration.")
    }
    for (name, text) in [("from", from), ("to", to)] where text == nil || text.flatMap(Instants.parseDate) == nil {
      throw query.refusal(name, code: "invalid_date", "Use a date such as 2026-11-21.")
    }
    if let format, format != "csv", format != "json" { throw query.refusal("format", code: "not_allowed", "Use json or csv.") }
    let first = from.flatMap(Instants.parseDate) ?? 0
    let end = to.flatMap(Instants.parseDate) ?? 0
    let days = (end - first) / Self.dayMilliseconds
    guard (1...Self.historyDaysMax).contains(days) else {
      throw query.refusal("to", code: "out_of_range", "The range has 1 to \(Self.historyDaysMax) days; to is exclusive.")
    }
    let asCSV = try wantsCSV(request, format)
    let visitor = try await visitor(request, context)
    guard let user = try await ledger.user(visitor.userID) else { throw Problem.unauthenticated }
    // A zone is at most a day away from UTC: read a day more on both sides and let the local date decide.
    let rows = try await ledger.dailyUsage(
      of: visitor.userID, metric: metric, from: first - 2 * Self.dayMilliseconds, to: end + 2 * Self.dayMilliseconds)
    var used: [String: (Int64, Int64?)] = [:]
    for row in rows {
      let date = LocalDates.date(row.periodStartsAtMilliseconds, zone: user.timeZone)
      used[date] = ((used[date]?.0 ?? 0) + row.used, row.limit)
    }
    let limit = allowances().limit(plan: plan(of: user), metric: metric)
    let dates = (0..<days).map { Instants.date(first + $0 * Self.dayMilliseconds) }
    if asCSV {
      let lines = dates.map { date in
        "\(date),\(metric),\(used[date]?.0 ?? 0),\((used[date].map(\.1) ?? limit).map(String.init) ?? "")"
      }
      let text = (["date,metric,used,limit"] + lines).joined(separator: "\r\n") + "\r\n"
      var response = answer(Array(text.utf8), fields: visitor.fields)
      response.headers[.contentType] = "text/csv; charset=utf-8"
      return response
    }
    let body = json { writer in
      writer.object { writer in
        writer.string("metric", metric)
        writer.string("time_zone", user.timeZone)
        writer.string("from", from)
        writer.string("to", to)
        writer.null("next_cursor")
        writer.array("data") { writer in
          for date in dates {
            writer.object { writer in
              writer.string("date", date)
              writer.int64("used", used[date]?.0 ?? 0)
              writer.int64("limit", used[date].map(\.1) ?? limit)
            }
          }
        }
      }
    }
    return answer(body, fields: visitor.fields)
  }

  private static var dayMilliseconds: Int64 { 86_400_000 }
  private static var historyDaysMax: Int64 { 400 }

  /// CSV by `Accept` or `format`; 406 for what is neither.
  private func wantsCSV(_ request: Request, _ format: String?) throws -> Bool {
    if let format { return format == "csv" }
    guard let accept = request.headers[.accept]?.lowercased() else { return false }
    if accept.contains("application/json") || accept.contains("*/*") || accept.contains("application/*") { return false }
    if accept.contains("text/csv") { return true }
    throw Problem(.notAcceptable, "This is served as application/json or text/csv.")
  }

  /// `GET /v1/usage/events`
  func usageEvents(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let query = try QueryReader(request.uri.query, known: ["limit", "cursor", "from", "to"])
    let page = try pageRequest(query, list: "events")
    let (from, to) = (try query.instant("from"), try query.instant("to"))
    let visitor = try await visitor(request, context)
    let found = try await ledger.events(of: visitor.userID, from: from, to: to, page: page)
    return answer(
      json { $0.list(found.items, next: cursor(found.next, list: "events")) { $0.usageEvent($1) } }, fields: visitor.fields)
  }

  /// `POST /v1/usage/events` (A15)
  func recordEvents(_ request: Request, _ context: GatehouseContext) async throws -> Response {
    let key = try serviceKey(request, .work)
    let body = try await body(request, context)
    var fields = try FieldReader(body: body)
    let now = clock.now()
    let events = fields.requiredObjects("events", count: 1...1_000) { item in
      let user = UserID(item.string("user_id", length: 1...64))
      if user == nil { item.refuse("user_id", code: "not_allowed", "Use a user's id such as usr_4tq9m2kd7xw1hb.") }
      let action = item.string("action", length: 1...64)
      let text = item.optionalString("occurred_at", length: 1...40)
      let occurred = text.map(Instants.parse) ?? now
      if occurred == nil { item.refuse("occurred_at", code: "invalid_instant", "Use an instant such as 2026-11-23T14:00:00Z.") }
      let metadata = item.rawObject("metadata", bytesMax: Limits.metadataBytesMax)
      return UsageEvent(
        id: .random(), userID: user ?? UserID(unchecked: ""), action: action, occurredAtMilliseconds: occurred ?? now,
        metadata: metadata.map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    }
    try fields.finish()
    let call = try idempotency(request, scope: key.id.text, body: body)
    let accepted = events.count
    let stored = StoredAnswer(status: 201, body: json { $0.object { $0.int("accepted", accepted) } })
    switch try await ledger.record(events, call: call, now: now, answer: stored) {
    case .replay(let first): return replay(first)
    case .first: return answer(.created, stored.body)
    }
  }
}
