import GatehouseCore
import GatehouseRedis

/// A Redis key, by its name.
enum KeyKind {
  case user(UserID)
  case userWindows(UserID)
  case networkWindows(String)
  case subjectWindows(String)
  case ownNetworkWindows(String)
  case ownWindows(String)
  case counter

  /// nil for a key that is not Gatehouse's.
  init?(_ key: String) {
    if key == KeySpace.counter {
      self = .counter
      return
    }
    guard key.hasPrefix("gh:{"), let end = key.lastIndex(of: "}") else { return nil }
    let tag = String(key[key.index(key.startIndex, offsetBy: 4)..<end])
    switch key[key.index(after: end)...] {
    case "":
      guard let id = UserID(routingID: tag) else { return nil }
      self = .user(id)
    case ":rl":
      if let id = UserID(routingID: tag) {
        self = .userWindows(id)
      } else if tag.hasPrefix("ip:"), tag.count > 3 {
        self = .networkWindows(String(tag.dropFirst(3)))
      } else if tag.hasPrefix("sub:"), Self.isDigest(tag.dropFirst(4)) {
        self = .subjectWindows(String(tag.dropFirst(4)))
      } else if tag.hasPrefix("own:ip:"), tag.count > 7 {
        self = .ownNetworkWindows(String(tag.dropFirst(7)))
      } else if tag.hasPrefix("own:"), Self.isDigest(tag.dropFirst(4)) {
        self = .ownWindows(String(tag.dropFirst(4)))
      } else {
        return nil
      }
    default: return nil
    }
  }

  var user: UserID? {
    switch self {
    case .user(let id), .userWindows(let id): id
    case .networkWindows, .subjectWindows, .ownNetworkWindows, .ownWindows, .counter: nil
    }
  }

  private static func isDigest(_ text: Substring) -> Bool { text.wholeMatch(of: /[0-9a-f]{8,64}/) != nil }

  var holdsWindows: Bool {
    switch self {
    case .user, .counter: false
    case .userWindows, .networkWindows, .subjectWindows, .ownNetworkWindows, .ownWindows: true
    }
  }

  var meaning: String {
    switch self {
    case .user: "a user's hot state: account, sessions, allowances and holds, copied from the ledger"
    case .userWindows: "a user's rate windows, one field a policy; they exist nowhere else"
    case .networkWindows(let network): "the rate windows of the network \(Table.plain(network)), one field a policy of the app"
    case .subjectWindows: "the rate windows of a subject that the name does not reveal: a keyed digest of what a backend named"
    case .ownNetworkWindows(let network):
      "the login and sign-up windows of the network \(Table.plain(network)), which the service counts by itself"
    case .ownWindows:
      "the login or mail windows of an account that the name does not reveal, alone or from one network: a keyed digest; the service "
        + "counts them by itself"
    case .counter:
      "the counter that tells whether Redis's data has gone on or back: it grows with every change and with every look of a process"
    }
  }

  /// The meaning of a key that is not there.
  var absence: String {
    switch self {
    case .user: "the user's next request copies it from the ledger"
    case .counter: "within a moment a running service gives Redis a new term, and every user is copied from the ledger again"
    default: "nothing was counted within any of its windows"
    }
  }
}
