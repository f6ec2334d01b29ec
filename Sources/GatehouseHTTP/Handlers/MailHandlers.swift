import GatehouseCore
import HTTPTypes
import Hummingbird
import StrictJSON

extension API {
  /// `POST /v1/email-verifications`: what to mail to a user whose address is to be verified.
  func requestVerification(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    let network = try countedNetwork(request, context, key: key)
    var fields = try await fields(request, context)
    let id = fields.read(VerificationFields.declared.fields.userID)
    try fields.finish()
    guard let id else { throw Problem.notFound }
    return mailAnswer(try await accounts.requestVerification(of: id, by: .key(key.id), network: network))
  }

  /// `POST /v1/password-resets`: what to mail to an address whose owner wants a new password.
  func requestReset(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let key = try serviceKey(request, .accounts)
    let network = try countedNetwork(request, context, key: key)
    var fields = try await fields(request, context)
    let email = fields.read(ResetFields.declared.fields.email)
    try fields.finish()
    return mailAnswer(try await accounts.requestReset(email: email, by: .key(key.id), network: network))
  }

  /// `POST /v1/email-verifications/complete`
  func completeVerification(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let network = try countedNetwork(request, context, key: serviceKeyIfSent(request, .accounts))
    var fields = try await fields(request, context)
    let token = fields.read(MailTokenFields.declared.fields.token)
    try fields.finish()
    let user = try await accounts.completeVerification(token: token, network: network)
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// `POST /v1/password-resets/complete`: nobody is logged in by it.
  func completeReset(_ request: Request, _ context: GatehouseContext) async throws -> Answer {
    let network = try countedNetwork(request, context, key: serviceKeyIfSent(request, .accounts))
    var fields = try await fields(request, context)
    let token = fields.read(NewPasswordFields.declared.fields.token)
    let password = fields.read(NewPasswordFields.declared.fields.password)
    try fields.finish()
    let user = try await accounts.completeReset(token: token, password: password, network: network)
    return answer(json { $0.user(user, plan: plan(of: user)) })
  }

  /// The network that limits count: the client's, or with a key that of the client whom the backend names; nil when it names none.
  private func countedNetwork(_ request: Request, _ context: GatehouseContext, key: ServiceKey?) throws -> String? {
    guard key == nil || OnBehalf.value(OnBehalf.address, request) != nil else { return nil }
    return try client(request, context, key: key).network
  }

  private func mailAnswer(_ mail: Mail?) -> Answer {
    let body = json { writer in
      writer.object { writer in
        writer.name("mail")
        guard let mail else { return writer.null() }
        writer.object { writer in
          writer.string("to", mail.to)
          writer.string("token", mail.token)
          writer.instant("expires_at", mail.expiresAtMilliseconds)
        }
      }
    }
    return answer(.accepted, body)
  }
}
