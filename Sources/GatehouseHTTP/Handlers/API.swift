import GatehouseCore
import GatehouseCrypto
import HTTPTypes
import Hummingbird
import Logging
import StrictJSON

/// The parts that handlers call. One value a process, shared by both listeners.
public struct API<Store: Ledger>: Sendable {
  /// The settings that show in the HTTP contract.
  public struct Contract: Sendable {
    public var trustedProxies = TrustedProxies.loopback
    public var allowedOrigins: [String] = []
    public var cookieIsSecure = true
    /// The cookie's name.
    public var cookieName: String { cookieIsSecure ? Credential.cookieName : Credential.insecureCookieName }
    /// Whether anybody may sign up, or a backend with a key alone.
    public var signUpIsPublic = true
    /// Whether a sign-up without a key says that an address is taken, or the same for every address.
    public var signUpTells = true
    /// A recent password is needed for deletion and export, and for ending other sessions.
    public var sensitiveWithin: Int64 = 300_000
    public var othersWithin: Int64 = 900_000
    public var exports = Exports(folder: "/tmp")
    public init() {}
  }

  public let ledger: Store
  public let gate: Gatekeeper<Store>
  public let accounts: Accounts<Store>
  public let changes: Changes<Store>
  public let limits: SubjectLimits
  public let loginLimits: LoginLimits
  public let hot: any HotStore
  public let lease: Lease
  public let clock: ServiceClock
  public let keys: KeyRing
  public let secret: ServerSecret
  public let allowances: @Sendable () -> AllowanceTable
  public let policy: @Sendable (String) -> Policy?
  public let profile: @Sendable (String) -> Profile?
  public let timeouts: @Sendable (Session.Class) -> SessionTimeouts
  public let contract: Contract
  public let readiness: Readiness
  public let refusals: RefusalLog

  public init(
    ledger: Store, gate: Gatekeeper<Store>, accounts: Accounts<Store>, changes: Changes<Store>, limits: SubjectLimits,
    loginLimits: LoginLimits, hot: any HotStore, lease: Lease, clock: ServiceClock, keys: KeyRing, secret: ServerSecret,
    allowances: @escaping @Sendable () -> AllowanceTable, policy: @escaping @Sendable (String) -> Policy?,
    profile: @escaping @Sendable (String) -> Profile?, timeouts: @escaping @Sendable (Session.Class) -> SessionTimeouts, contract: Contract,
    readiness: Readiness, refusals: RefusalLog
  ) {
    self.ledger = ledger
    self.gate = gate
    self.accounts = accounts
    self.changes = changes
    self.limits = limits
    self.loginLimits = loginLimits
    self.hot = hot
    self.lease = lease
    self.clock = clock
    self.keys = keys
    self.secret = secret
    self.allowances = allowances
    self.policy = policy
    self.profile = profile
    self.timeouts = timeouts
    self.contract = contract
    self.readiness = readiness
    self.refusals = refusals
  }

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

  /// A call whose repeat is known by `bytes`, whichever line of the secret its first answer was stored under.
  func idempotentCall(scope: String, key: String, _ bytes: [UInt8]) -> IdempotentCall {
    let fingerprints = secret.keys(.idempotency).map { Digest256(bytes: $0.hmac(bytes)) ?? Digest256.sha256(bytes) }
    return IdempotentCall(
      scope: scope, key: key, fingerprint: fingerprints.first ?? Digest256.sha256(bytes), olderFingerprints: Array(fingerprints.dropFirst())
    )
  }

  /// Which unit a retry holds: the same for the same user, caller and key, in every process and under every server secret.
  func holdID(_ user: String, _ call: IdempotentCall) -> String {
    String(Digest256.sha256("\(user) \(call.scope) \(call.key)".utf8).hex.prefix(20))
  }
}
