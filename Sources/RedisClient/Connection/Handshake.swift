/// The first words of a new connection, before anybody else speaks, and what it learns from the answers. All of it goes out in one flush.
struct Handshake {
  enum Question {
    /// Its answer only has to be no error.
    case plain
    case load(RedisScript)
    case replication
  }

  /// Hexadecimal digits of the digest that SCRIPT LOAD answers.
  private static let digestLength = 40

  let questions: [(words: [String], question: Question)]

  /// The replication is asked for at last: once it is answered, everything is.
  init(_ configuration: RedisConfiguration, scripts: [RedisScript]) {
    var questions: [(words: [String], question: Question)] = []
    if configuration.username != nil || configuration.password != nil {
      questions.append((["AUTH"] + [configuration.username].compactMap(\.self) + [configuration.password ?? ""], .plain))
    }
    questions.append((["CLIENT", "SETNAME", configuration.clientName], .plain))
    questions += scripts.map { (["SCRIPT", "LOAD", $0.source], .load($0)) }
    questions.append((["INFO", "replication"], .replication))
    self.questions = questions
  }

  /// A command's name as an account's line has it, where that names some commands together with their first word.
  static func name(_ words: [String]) -> String {
    words.prefix(words[0] == "CLIENT" || words[0] == "SCRIPT" ? 2 : 1).joined(separator: "|").lowercased()
  }

  /// Whether an answer to INFO is that of a replica.
  static func isReplica(_ reply: RedisReply) -> Bool { reply.information("role") == "slave" }

  /// The digest in an answer to SCRIPT LOAD.
  static func digest(_ reply: RedisReply) -> String? {
    guard let digest = reply.text, digest.utf8.count == digestLength, digest.allSatisfy(\.isHexDigit) else { return nil }
    return digest
  }

  /// The timeline in an answer to INFO; nil for a replica, which names its master's timeline and may lag behind it.
  static func replicationID(_ reply: RedisReply) -> String? {
    guard !isReplica(reply), let id = reply.information("master_replid"), !id.isEmpty else { return nil }
    return id
  }
}
