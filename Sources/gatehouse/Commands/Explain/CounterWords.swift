/// The counter's hash in words; `drop.lua` writes it.
enum CounterWords {
  static func lines(_ fields: [(name: String, value: [UInt8])]) -> [(String, String)] {
    let plain = Dictionary(fields.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }) { first, _ in first }
    let processes = (plain["own"] ?? "").split(separator: ",").count
    return [
      ("Term", "\(plain["term"] ?? "-"), lineage \(plain["lineage"] ?? "-"), as the ledger's table hot_nodes has them"),
      ("Counter", "\(plain["n"] ?? "-"), by \(processes) \(processes == 1 ? "process" : "processes")"),
      ("Ledger", "change \(plain["seq"] ?? "-") is the newest that Redis was told of"),
    ].map { ($0.0, Table.plain($0.1)) }
  }
}
