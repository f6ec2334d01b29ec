import GatehouseCore
import Hummingbird
import Logging
import NIOCore
import Synchronization
import StrictJSON

/// A line for each refusal, with the request's id, the caller and the reason, so that a reader who has a request id finds it. Never a
/// token, a password or an address.
///
/// Refusals that an auditor asks for (a wrong password, a bad key, a missing scope, another site) are at `notice`, the rest at `info`. A
/// flood is cut: beyond `burst` lines at once and `perSecond` from then on, refusals are counted, and the number is told.
public final class RefusalLog: Sendable {
  static let burst = 2_000
  static let perSecond = 200
  private static let audited: Set<ProblemCode> = [.invalidKey, .scopeMissing, .csrfRejected, .invalidLogin]
  private static let pathBytesMax = 200
  /// No id is longer; tokens are.
  private static let segmentBytesMax = 40
  private static let segmentShown = 8

  private let log: Logger
  private let allowances = Mutex([Logger.Level: LineAllowance]())

  /// Lines go to `log`. Each instance has bounds of its own, so share one in a process.
  public init(log: Logger) { self.log = log }

  /// The request, as the log shows it. An object, since whatever may be refused keeps it until its end.
  final class Asked: Sendable {
    let requestID: String
    let method: String
    let path: String
    /// The other end of the connection.
    let peer: SocketAddress?

    init(requestID: String, method: String, path: String, peer: SocketAddress?) {
      (self.requestID, self.method, self.path, self.peer) = (requestID, method, path, peer)
    }
  }

  /// The result of `body`, with the account of its password on the trail: a digest of the email, or the user's id.
  static func watching<Value>(
    account: String, network: String, _ context: GatehouseContext, _ body: () async throws -> Value
  ) async throws -> Value {
    Trail.note { facts in
      facts.account = account
      facts.network = network
    }
    return try await body()
  }

  /// Notes an answer that is a problem.
  /// - Parameter number: of the question in its batch, from 0.
  func note(_ problem: Problem, _ asked: Asked, _ facts: Trail.Facts = .init(), number: Int? = nil) {
    write(Self.audited.contains(problem.code) ? .notice : .info) {
      var metadata = Self.metadata(asked, facts)
      metadata["code"] = .string(problem.code.rawValue)
      metadata["status"] = .stringConvertible(problem.code.status)
      metadata["number"] = number.map { .stringConvertible($0) }
      metadata["policies"] = Self.policies(problem.violated)
      return metadata
    }
  }

  /// Notes a decision of the gate that is none to let in; nothing for `allow`.
  /// - Parameter number: of the question in its batch, from 0.
  func note(
    _ answer: GateAnswer, of user: @autoclosure () -> String?, _ asked: Asked, _ facts: @autoclosure () -> Trail.Facts, number: Int? = nil
  ) {
    guard answer.decision != .allow else { return }
    write(.info) {
      var metadata = Self.metadata(asked, facts())
      metadata["decision"] = .string(answer.decision.rawValue)
      metadata["user"] = (answer.caller?.id.text ?? user()).map { .string($0) }
      metadata["session"] = (answer.sessionFacts?.id.text).map { .string($0) }
      metadata["number"] = number.map { .stringConvertible($0) }
      metadata["policies"] = Self.policies(answer.problem?.violated ?? [])
      return metadata
    }
  }

  /// Notes that a subject's policy refused.
  func note(_ policy: String, _ asked: Asked, _ facts: Trail.Facts) {
    write(.info) {
      var metadata = Self.metadata(asked, facts)
      metadata["decision"] = "rate_limited"
      metadata["policies"] = Self.policies([policy])
      return metadata
    }
  }

  private func write(_ level: Logger.Level, _ metadata: () -> Logger.Metadata) {
    guard log.logLevel <= level else { return }
    let leftOut = allowances.withLock { allowances in
      allowances[level, default: LineAllowance(burst: Self.burst, perSecond: Self.perSecond)].take(at: .now)
    }
    guard let leftOut else { return }
    if leftOut > 0 {
      log.log(
        level: level, "Refusals were left out of the log: there were too many at once", metadata: ["left_out": "\(leftOut)"])
    }
    log.log(level: level, "A request was refused", metadata: metadata())
  }

  private static func metadata(_ asked: Asked, _ facts: Trail.Facts) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "request_id": .string(asked.requestID), "method": .string(asked.method), "path": .string(shown(asked.path)),
      "peer": .string(asked.peer?.ipAddress ?? "local"),
    ]
    for (name, value) in [
      ("user", facts.user), ("session", facts.session), ("key", facts.key), ("account", facts.account), ("network", facts.network),
    ] { metadata[name] = value.map { .string($0) } }
    return metadata
  }

  private static func policies(_ names: [String]) -> Logger.Metadata.Value? {
    names.isEmpty ? nil : .array(names.map { .string($0) })
  }

  /// A path without its query, not too long, and without what might be a token.
  static func shown(_ path: String) -> String {
    let whole = path.prefix { $0 != "?" }
    let segments = whole.split(separator: "/", omittingEmptySubsequences: false).map { segment in
      segment.utf8.count > segmentBytesMax ? segment.prefix(segmentShown) + "…" : segment
    }
    let short = segments.joined(separator: "/")
    return short.utf8.count > pathBytesMax ? String(short.prefix(pathBytesMax)) + "…" : short
  }
}

extension GateRequest {
  /// The id of the user whom the question is about.
  var userText: String {
    switch subject {
    case .token(let routingID, _): UserKind.prefix + routingID
    case .user(let id): id.text
    }
  }
}

extension RefusalLog.Asked {
  convenience init(_ request: Request, _ context: GatehouseContext) {
    self.init(
      requestID: context.requestID, method: request.method.rawValue, path: request.uri.path, peer: context.remoteAddress)
  }
}

extension Problem {
  /// The policies that the problem names.
  fileprivate var violated: [String] {
    guard case .array(let names)? = extras["violated-policies"] else { return [] }
    return names.compactMap { if case .string(let name) = $0 { name } else { nil } }
  }
}
