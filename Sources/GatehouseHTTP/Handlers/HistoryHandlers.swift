import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

/// Which days of which metric a history shows, and how.
private struct HistoryRequest {
  let metric: String
  let from: String
  let to: String
  /// The first day and the one after the last, as if they were days of UTC.
  let span: Range<Int64>
  let asCSV: Bool

  var dates: [String] { stride(from: span.lowerBound, to: span.upperBound, by: Int(Day.milliseconds)).map(Instants.date) }

  /// Throws 406, then 400 for what can't be read, then 422.
  init(_ request: Request, _ table: AllowanceTable) throws {
    let accepted = MediaChoice.best(request.headers[.accept], offered: ["application/json", "text/csv"])
    let declared = HistoryQuery.declared.fields
    let query = try HistoryQuery.declared.query(request.uri.query)
    let format = query[declared.format]
    guard accepted != nil || format != nil else {
      throw Problem(.notAcceptable, "This is served as application/json or text/csv. Accept one of them.")
    }
    if let format, format != "csv", format != "json" { throw query.refusal(declared.format, code: "not_allowed", "Use json or csv.") }
    asCSV = format.map { $0 == "csv" } ?? (accepted == "text/csv")
    metric = query[declared.metric] ?? table.metrics.first?.name ?? ""
    guard table.metric(metric) != nil else {
      throw query.refusal(declared.metric, code: "unknown_metric", "There is no such metric in the configuration.")
    }
    let days = try [declared.from, declared.to].map { field -> (text: String, start: Int64) in
      guard let text = query[field], let start = Instants.parseDate(text) else {
        throw query.refusal(field, code: "invalid_date", "Send a date such as 2026-11-21.")
      }
      return (text, start)
    }
    (from, to) = (days[0].text, days[1].text)
    let count = (days[1].start - days[0].start) / Day.milliseconds
    guard (1...RequestBounds.historyDaysMax).contains(count) else {
      throw query.refusal(declared.to, code: "out_of_range", "The range has 1 to \(RequestBounds.historyDaysMax) days; to is exclusive.")
    }
    span = days[0].start..<days[1].start
  }
}

/// One day of a history.
private struct HistoryDay {
  let date: String
  let used: Int64
  let limit: Int64?
}

extension API {
  /// `GET /v1/usage/history`: a row a local date, gaps filled with 0; JSON or CSV.
  func usageHistory(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let (visitor, wanted) = try await visitor(request, context) { try HistoryRequest(request, allowances()) }
    guard let user = try await accounts.user(visitor.userID) else { throw Problem.unauthenticated }
    let days = try await days(wanted, of: user)
    guard !wanted.asCSV else {
      let lines = days.map { "\($0.date),\(wanted.metric),\($0.used),\($0.limit.map(String.init) ?? "")" }
      let text = (["date,metric,used,limit"] + lines).joined(separator: "\r\n") + "\r\n"
      var response = answer(Array(text.utf8), fields: visitor.fields)
      response.fields[.contentType] = "text/csv; charset=utf-8"
      return response
    }
    let body = json { writer in
      writer.object { writer in
        writer.string("metric", wanted.metric)
        writer.string("time_zone", user.timeZone)
        writer.string("from", wanted.from)
        writer.string("to", wanted.to)
        writer.null("next_cursor")
        writer.array("data") { writer in
          for day in days {
            writer.object { writer in
              writer.string("date", day.date)
              writer.int64("used", day.used)
              writer.int64("limit", day.limit)
            }
          }
        }
      }
    }
    return answer(body, fields: visitor.fields)
  }

  private func days(_ wanted: HistoryRequest, of user: User) async throws -> [HistoryDay] {
    // A zone is at most a day away from UTC: read more on both sides and let the local date decide.
    let margin = 2 * Day.milliseconds
    let rows = try await work.dailyUsage(
      of: user.id, metric: wanted.metric, from: wanted.span.lowerBound - margin, to: wanted.span.upperBound + margin)
    var counted: [String: (used: Int64, limit: Int64?)] = [:]
    for row in rows {
      let date = LocalDates.date(row.periodStartsAtMilliseconds, zone: user.timeZone)
      counted[date] = ((counted[date]?.used ?? 0) + row.used, row.limit)
    }
    let limit = allowances().limit(plan: plan(of: user), metric: wanted.metric)
    return wanted.dates.map { date in
      HistoryDay(date: date, used: counted[date]?.used ?? 0, limit: counted[date].map(\.limit) ?? limit)
    }
  }
}
