/// A refusal of Redis: the first word of its message says which.
public struct RedisServerError: Error, Sendable, Equatable {
  /// The prefixes that Redis 7 uses, lower-cased; what follows a prefix is for people.
  public enum Kind: String, Sendable, CaseIterable {
    case noScript = "noscript"
    case loading
    case misconf
    case outOfMemory = "oom"
    case readOnly = "readonly"
    /// A script or module runs and does not end.
    case busy
    case noAuth = "noauth"
    case wrongPassword = "wrongpass"
    case noPermission = "noperm"
    /// Protected mode turned the connection away.
    case denied
    case wrongType = "wrongtype"
    /// Too many clients; Redis says it under `ERR`.
    case maxClients = "maxclients"
    case masterDown = "masterdown"
    case noMasterLink = "nomasterlink"
    case noReplicas = "noreplicas"
    case noGoodReplica = "nogoodslave"
    case tryAgain = "tryagain"
    case moved
    case ask
    case clusterDown = "clusterdown"
    case crossSlot = "crossslot"
    case execAbort = "execabort"
    case unblocked
    case noProtocol = "noproto"
    case notBusy = "notbusy"
    case unkillable
    case inProgress = "inprog"
    case busyKey = "busykey"
    case ioError = "ioerr"
    /// A script does not compile, or failed; Redis says it under `ERR`.
    case script
    case generic = "err"
    /// Some other prefix: the first word of the message.
    case other
  }

  /// Longer messages are cut: Redis quotes arguments in some of them.
  static let messageBytesMax = 256

  /// The case to act on, read from the prefix; for `ERR` and a few of its sentences from the message too.
  public let kind: Kind
  /// Redis's words, prefix included, at most 256 bytes. It may quote arguments, so it belongs in no answer to a client.
  public let message: String

  /// The error that Redis's message, without the leading `-`, stands for; everything after 256 bytes is cut off.
  public init(message: String) {
    let text = String(decoding: message.utf8.prefix(Self.messageBytesMax), as: UTF8.self)
    self.message = text
    let prefix = text.prefix { $0 != " " }
    let kind = prefix.contains(where: \.isLowercase) ? Kind.other : Kind(rawValue: prefix.lowercased()) ?? .other
    switch kind {
    case .generic: self.kind = Self.generic(text)
    case .script, .maxClients, .other: self.kind = .other
    default: self.kind = kind
    }
  }

  /// Whether Redis is no longer the master that a connection greeted, or loads other data.
  var saysThatTimelineEnded: Bool { kind == .readOnly || kind == .loading || kind == .masterDown }

  /// An error for which Redis has no prefix of its own.
  private static func generic(_ text: String) -> Kind {
    if text.hasPrefix("ERR max number of clients") { return .maxClients }
    // A script called a command, or a key, that the account lacks.
    if ["ERR The user executing the script", "ERR ACL failure in script"].contains(where: text.hasPrefix) { return .noPermission }
    let ofScripts = ["ERR user_script:", "ERR Error running script", "ERR Error compiling script"]
    return ofScripts.contains(where: text.hasPrefix) || text.contains(", on @user_script") ? .script : .generic
  }
}
