import GatehouseCore
import GatehouseRedis

/// A user's hash in words.
struct UserHashWords {
  let now: Int64
  let settings: Settings?

  /// The account of a hash, in whichever form.
  private struct Account {
    let epoch: String
    let until: Int64?
    let plan: String?
    let status: String?
    let isVerified: Bool
    let externalID: String?
    /// The words about the form; empty for the present one.
    let note: String

    init?(_ field: (name: String, value: String), epoch: String) {
      guard let account = UserHash.account(field.value) else { return nil }
      self.epoch = epoch
      (until, plan, status, isVerified, externalID) = account
      note = ""
    }

    /// Of version 1, whose account is in fields of their own.
    init(_ plain: [String: String]) {
      epoch = plain["epoch"] ?? "-"
      until = plain["until"].flatMap { Int64($0) }
      plan = plain["plan"]
      status = plain["status"]
      isVerified = plain["mail"] == "1"
      externalID = plain["ext"]
      note = "; in the form of an older version"
    }
  }

  /// The fields of version 1 that hold an account.
  private static let olderFields: Set = ["v", "id", "ext", "mail", "plan", "status", "epoch", "until"]

  func lines(_ fields: [(name: String, value: [UInt8])]) -> [(String, String)] {
    let texts = fields.map { (name: $0.name, value: String(decoding: $0.value, as: UTF8.self)) }
    let plain = Dictionary(texts.map { ($0.name, $0.value) }) { first, _ in first }
    let own = texts.lazy.compactMap { field in UserHash.epoch(ofField: field.name).map { (field, $0) } }.first
    guard let account = own.map({ Account($0.0, epoch: $0.1) }) ?? (plain["id"] == nil ? nil : Account(plain)) else {
      if own != nil { return [("State", "damaged: its account can't be read, and the next request copies the user again")] }
      guard plain["ticket"] != nil else { return [("State", "neither warm nor cold: the next request drops it and copies the user again")] }
      return [("State", "cold: a rebuild from the ledger is on its way; it may write only while the ticket stands")]
    }
    var lines = [("State", state(account)), ("Account", words(account))]
    lines += texts.filter { $0.name.hasPrefix("s:") }.map { ("Session", session($0.name, $0.value)) }
    lines += texts.filter { $0.name.hasPrefix("q:") }.map { ("Allowance", allowance($0.name, $0.value, plan: account.plan)) }
    lines += texts.filter { $0.name.hasPrefix("h:") }.map { ("Hold", hold($0.name, $0.value)) }
    let known = own.map { Set([$0.0.name, "ticket"]) } ?? Self.olderFields.union(["ticket"])
    lines += texts.filter { !known.contains($0.name) && !["s:", "q:", "h:"].contains($0.name.prefix(2)) }.map {
      ("Field", "\(Quoted.text($0.name)), which no version of Gatehouse writes")
    }
    return lines.map { ($0.0, Table.plain($0.1)) }
  }

  private func state(_ account: Account) -> String {
    guard let until = account.until else { return "damaged: it does not say until when it may be believed" }
    let isStale = until <= now
    let word = until == Instants.millisecondsMax ? "nothing in it ends by itself" : "\(isStale ? "ended" : "ends") \(Instants.text(until))"
    return "\(isStale ? "cold, the next request copies it again" : "warm"): \(word); made in epoch \(account.epoch)\(account.note)"
  }

  private func words(_ account: Account) -> String {
    let external = account.externalID.map { "external id \($0)" } ?? "no external id"
    let plan = account.plan.map { $0.isEmpty ? "none, its last one has ended" : $0 } ?? "-"
    return "\(account.status ?? "-"), plan \(plan), email \(account.isVerified ? "verified" : "not verified"), \(external)"
  }

  /// `class|sid|created|auth|seen|abs[|prev]`
  private func session(_ name: String, _ value: String) -> String {
    let parts = value.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 6, let made = Int64(parts[2]), let auth = Int64(parts[3]), let seen = Int64(parts[4]), let end = Int64(parts[5])
    else { return "\(name) has a value that can't be read as a session" }
    let successor = parts.dropFirst(6).last == "prev" ? "; by a rotated token that has not been used yet" : ""
    return "\(parts[1]), class \(parts[0]), made \(Instants.text(made)), password given \(Instants.text(auth)), "
      + "seen \(Instants.text(seen)), ends \(Instants.text(end)) at the latest\(successor); token's hash \(name.dropFirst(2).prefix(12))…"
  }

  /// `start|end|used|held|min_lease|override|bonus`
  private func allowance(_ name: String, _ value: String, plan: String?) -> String {
    let metric = String(KeySpace.metric(ofWord: name.dropFirst(2)))
    let parts = value.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 7, let start = Int64(parts[0]), let end = Int64(parts[1]) else {
      return "\(metric) has a value that can't be read as an allowance"
    }
    var text = "\(metric): \(parts[2]) used, \(parts[3]) held, of \(limit(metric, own: parts[5], plan: plan))"
    if parts[6] != "0" { text += " and a bonus of \(parts[6])" }
    text += ", from \(Instants.text(start)) to \(Instants.text(end))"
    if let lease = Int64(parts[4]) { text += "; the first lease ends \(Instants.text(lease))" }
    return text
  }

  private func limit(_ metric: String, own: String, plan: String?) -> String {
    if own == "*" { return "unlimited by an override" }
    if !own.isEmpty { return "\(own) by an override" }
    guard let settings, let plan else { return "the plan's limit" }
    let table = settings.allowanceTable
    return table.limit(plan: plan, metric: metric).map { "\($0) by plan \(table.known(plan))" } ?? "unlimited by plan \(table.known(plan))"
  }

  /// `metric|n|lease|costs`
  private func hold(_ name: String, _ value: String) -> String {
    let parts = value.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, let end = Int64(parts[2]) else { return "\(name) has a value that can't be read as a hold" }
    let costs = parts[3].split(separator: ",").compactMap { cost -> String? in
      let words = cost.split(separator: ":")
      guard words.count == 3 else { return nil }
      return "\(words[2]) of \(words[0].split(separator: ".").first ?? "?")"
    }
    let rate = costs.isEmpty ? "" : "; took rate units: \(costs.joined(separator: ", "))"
    return "\(name.dropFirst(2)): \(parts[1]) of \(parts[0]), counted by the ledger after \(Instants.text(end))\(rate)"
  }
}
