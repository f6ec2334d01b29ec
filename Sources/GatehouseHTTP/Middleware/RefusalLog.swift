import GatehouseCore
import Hummingbird
import Logging

/// The refusals that an auditor asks for, a line each: who could not prove who they are, or wanted more than they may. Wrong passwords
/// come no faster than they are hashed; of the rest a caller can make many, as of an access log's lines.
enum RefusalLog {
  private static let codes: Set<ProblemCode> = [.invalidKey, .scopeMissing, .csrfRejected]

  /// Notes a refused credential or scope.
  static func note(_ problem: Problem, _ request: Request, _ context: GatehouseContext) {
    guard codes.contains(problem.code) else { return }
    context.log.notice(
      "A request was refused",
      metadata: [
        "code": .string(problem.code.rawValue), "method": .string(request.method.rawValue), "path": .string(request.uri.path),
        "peer": .string(context.remoteAddress?.ipAddress ?? "local"),
      ])
  }

  /// What `body` gives; a wrong password is noted with the account that it was for, as a digest or an id.
  static func watching<Value>(
    account: String, network: String, _ context: GatehouseContext, _ body: () async throws -> Value
  ) async throws -> Value {
    do { return try await body() } catch let error as ServiceError where error.code == .invalidLogin {
      context.log.notice("A password was refused", metadata: ["account": .string(account), "network": .string(network)])
      throw error
    }
  }
}
