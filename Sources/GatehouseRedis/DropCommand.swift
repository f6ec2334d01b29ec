import GatehouseCore
import RedisClient

/// The drop script's arguments and replies; the layout is written in `drop.lua`.
enum DropCommand {
  static func keys(_ routingIDs: [String]) -> [String] { [KeySpace.counter] + routingIDs.map(KeySpace.user(routingID:)) }

  static func arguments(_ mark: HotMark) -> [String] {
    [
      String(mark.term.number), mark.term.lineage, mark.process, String(mark.number), String(mark.own), mark.settledBy,
      String(mark.settled), String(mark.sequence),
    ]
  }

  /// A reply that is none of the script's is no answer.
  static func reply(_ result: Result<RedisReply, RedisError>, _ mark: HotMark) -> HotDrop {
    guard case .success(.array(let parts)) = result, let word = parts.first?.text else { return .noAnswer }
    switch word {
    case "COUNTED":
      guard parts.count == 3, let count = parts[1].integerValue, let sequence = parts[2].integerValue else { return .noAnswer }
      return .counted(HotCount(term: mark.term.number, process: mark.process, number: mark.number, count: count, sequence: sequence))
    case "BROKEN": return .broken
    case "BEHIND": return parts.count == 2 ? parts[1].integerValue.map { .behind(term: $0) } ?? .noAnswer : .noAnswer
    default: return .noAnswer
    }
  }
}
