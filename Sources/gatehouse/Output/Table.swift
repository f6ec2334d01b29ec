/// Rows in columns as wide as their longest value.
struct Table {
  private let rows: [[String]]

  init(_ head: [String], _ rows: [[String]]) { self.rows = [head] + rows.map { $0.map(Self.plain) } }

  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      return String(cells.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  /// Names that users and backends chose must not steer a terminal.
  static func plain(_ text: String) -> String {
    text.unicodeScalars.map { [.control, .format].contains($0.properties.generalCategory) ? "?" : String($0) }.joined()
  }
}
