/// Finds what a misspelled key was meant to be.
enum NearestWord {
  /// The candidate that is nearest to `word`, nil if none is near: at most a third of its letters differ.
  static func find(_ word: String, in candidates: some Sequence<String>) -> String? {
    let moved = candidates.first { $0.hasSuffix("." + word) }
    let near = candidates.map { ($0, distance(word, $0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    if let near, near.1 <= max(1, word.count / 4) { return near.0 }
    return moved
  }

  /// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other.
  static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left.utf8), Array(right.utf8))
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
