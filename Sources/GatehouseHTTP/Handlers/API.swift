import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird
import Logging
import StrictJSON

/// All that handlers call: the domain, and the settings that show in the HTTP contract. Shared by all listeners.
public final class API: Sendable {
  /// The settings that show in the HTTP contract.
  public struct Contract: Sendable {
    /// The peers whose word about a client's address is taken.
    public var trustedProxies = TrustedProxies.loopback
    /// The web origins that may use the cookie from another site, such as `https://app.example.com`.
    public var allowedOrigins: [String] = []
    /// Whether the session cookie has the `__Host-` name and goes over HTTPS alone.
    public var cookieIsSecure = true
    /// The cookie's name.
    public var cookieName: String { cookieIsSecure ? Credential.cookieName : Credential.insecureCookieName }
    /// Whether anybody may sign up, or a backend with a key alone.
    public var signUpIsPublic = true
    /// Whether a sign-up without a key says that an address is taken, or the same for every address.
    public var signUpTells = true
    /// Milliseconds since the password was entered, within which an account may be deleted, exported or given another address.
    static let sensitiveMilliseconds: Int64 = 300_000
    /// Milliseconds since the password was entered, within which other sessions may be ended.
    static let othersMilliseconds: Int64 = 900_000
    /// The contract of a service that stands behind a proxy of its own machine and is open for sign-up.
    public init() {}
  }

  let domain: Domain
  let rules: any LiveRules
  let secret: ServerSecret
  let contract: Contract
  let readiness: Readiness
  let refusals: RefusalLog
  let exports: Exports

  /// - Parameter secret: of now; an API is made anew when it changes, as when `contract` does.
  public init(
    domain: Domain, rules: any LiveRules, secret: ServerSecret, contract: Contract, readiness: Readiness, refusals: RefusalLog,
    exports: Exports
  ) {
    self.domain = domain
    self.rules = rules
    self.secret = secret
    self.contract = contract
    self.readiness = readiness
    self.refusals = refusals
    self.exports = exports
  }

  var gate: Gatekeeper { domain.gate }
  var accounts: Accounts { domain.accounts }
  var sessions: Sessions { domain.sessions }
  var work: Work { domain.work }
  var keys: ServiceKeys { domain.keys }
  var clock: ServiceClock { domain.clock }

  func allowances() -> AllowanceTable { rules.allowances }
  func policy(_ name: String) -> Policy? { rules.policy(name) }
  func profile(_ name: String) -> Profile? { rules.profile(name) }
  func timeouts(_ kind: SessionClass) -> SessionTimeouts { rules.timeouts(kind) }

  /// The plan in force, as answers show it.
  func plan(of user: User) -> String {
    let table = allowances()
    return table.known(user.plan(atMilliseconds: clock.now(), fallback: table.defaultPlan))
  }
}

extension API {
  /// The `Idempotency-Key` of a call, with the digest of all that must be the same in a repeat.
  func idempotency(_ request: Request, scope: String, body: [UInt8]) throws -> IdempotentCall {
    let key = try IdempotencyKeyHeader.required(request.headers)
    let head = Array("\(request.method.rawValue) \(request.uri.path)\n".utf8)
    return idempotentCall(scope: scope, key: key, head + body)
  }

  /// The idempotent call, with fingerprints of `bytes` under every line of the secret: a repeat is known whichever line the first call was
  /// stored under.
  func idempotentCall(scope: String, key: String, _ bytes: [UInt8]) -> IdempotentCall {
    let fingerprints = secret.keys(.idempotency).map { Digest256(bytes: $0.hmac(bytes)) ?? Digest256.sha256(bytes) }
    return IdempotentCall(
      scope: scope, key: key, fingerprint: fingerprints.first ?? Digest256.sha256(bytes), olderFingerprints: Array(fingerprints.dropFirst())
    )
  }

  /// The id of the hold; a retry gets the same one. It depends on the user, the caller and the key alone, not on the process or the secret.
  func holdID(_ user: String, _ call: IdempotentCall) -> String {
    String(Digest256.sha256("\(user) \(call.scope) \(call.key)".utf8).hex.prefix(20))
  }
}
