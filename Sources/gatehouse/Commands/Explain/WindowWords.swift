import GatehouseCore

/// The packed windows of a key in words: what is taken, of what limit, and when it returns.
struct WindowWords {
  let now: Int64
  let settings: Settings?
  /// The user's plan, for the limit.
  let plan: String?

  func lines(_ fields: [(name: String, value: [UInt8])]) -> [(String, String)] {
    fields.sorted { $0.name < $1.name }.map { (label($0.name), words($0.name, $0.value)) }
  }

  private func label(_ field: String) -> String { Table.plain(String(field.split(separator: ".").first ?? "?")) }

  private func words(_ field: String, _ value: [UInt8]) -> String {
    let parts = field.split(separator: ".")
    guard parts.count == 3, let seconds = Int64(parts[1]), let cells = Int64(parts[2]), (1...31_622_400).contains(seconds),
      (1...100_000).contains(cells)
    else { return "a field \(Quoted.text(field)) that is not a window: <policy>.<seconds>.<cells> is expected" }
    let configured = [settings?.policy(String(parts[0])), LoginLimits.home].compactMap(\.self).first { $0.fieldName == field }
    let policy =
      configured ?? Policy(name: String(parts[0]), by: .subject, windowSeconds: seconds, cells: cells, limits: PlanLimits(.max))
    let span = DurationText.text(seconds: seconds)
    let limit = configured.map { " of \($0.limits.limit(plan: plan))" } ?? ""
    let note = configured == nil && settings != nil ? "; no policy of the configuration has this window, so it no longer counts" : ""
    let returns = PackedWindow(bytes: value).returns(nowMilliseconds: now, policy: policy)
    let taken = returns.reduce(0) { $0 + $1.units }
    guard let first = returns.first, let last = returns.last else {
      return "0\(limit) units taken in the last \(span) (\(cells) cells)\(note)"
    }
    var text = "\(taken)\(limit) units taken in the last \(span) (\(cells) cells); "
    if first == last {
      text += "they return in \(back(first))"
    } else {
      text += "\(first.units) \(first.units == 1 ? "returns" : "return") in \(back(first)), the last \(last.units) in \(back(last))"
    }
    return text + note
  }

  private func back(_ step: PackedWindow.Return) -> String {
    "\(DurationText.words(milliseconds: step.atMilliseconds - now)) (\(Instants.text(step.atMilliseconds)))"
  }
}
