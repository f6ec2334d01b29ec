import GatehouseCrypto

/// Accounts: sign-up, what users, backends and operators change of them, and what they see.
public struct Accounts: Sendable {
  let ledger: any AccountLedger & MailLedger
  let changes: Changes
  let clock: ServiceClock
  let passwords: Passwords
  let limits: LoginLimits
  let rules: any LiveRules
  let resets = SingleFlight<Digest256>(runningMax: resetsMax, waitingMax: resetsMax)

  /// Resets of different tokens that run at once, and that wait for a place.
  private static var resetsMax: Int { 64 }

  /// The accounts of one ledger; all parts of a process must share one `changes` and one `clock`, so that they agree on what is
  /// acknowledged and when.
  public init(
    ledger: any AccountLedger & MailLedger, changes: Changes, clock: ServiceClock, passwords: Passwords, limits: LoginLimits,
    rules: any LiveRules
  ) {
    self.ledger = ledger
    self.changes = changes
    self.clock = clock
    self.passwords = passwords
    self.limits = limits
    self.rules = rules
  }

  /// A new account. Throws `invalidFields` (email, password, time zone), `rateLimited`, `emailTaken`, `externalIDTaken`.
  /// - Parameter network: counted by `signup_network`; nil when a backend signs up on behalf.
  public func signUp(
    email: String, password: String, name: String?, timeZone: String, externalID: String?, network: String?
  ) async throws -> User {
    let new = try newUser(email: email, password: password, name: name, timeZone: timeZone, externalID: externalID, isHidden: false)
    return try await hashed(password, of: new, network: network) { hash in
      try await ledger.createUser(new.user, canonicalEmail: new.address.canonical, passwordHash: hash)
    }
  }

  /// Signs up without telling whether the address is taken. The feed says which mail to send, and to whom; the new account waits for its
  /// verification. No answer leaves before the login floor. Gives the address. Throws `invalidFields`, `rateLimited`.
  public func requestSignUp(email: String, password: String, name: String?, timeZone: String, network: String) async throws -> EmailAddress
  {
    let new = try newUser(email: email, password: password, name: name, timeZone: timeZone, externalID: nil, isHidden: true)
    return try await hashed(password, of: new, network: network) { hash in
      let due = try await passwords.dueWithoutHash(ledger.passwordCosts())
      let result: Result<Void, any Error>
      do {
        result = .success(try await ledger.requestUser(new.user, canonicalEmail: new.address.canonical, passwordHash: hash))
      } catch { result = .failure(error) }
      try? await Task.sleep(until: due, clock: .continuous)
      try result.get()
      return new.address
    }
  }

  private typealias NewUser = (user: User, address: EmailAddress)

  private func newUser(
    email: String, password: String, name: String?, timeZone: String, externalID: String?, isHidden: Bool
  ) throws -> NewUser {
    var faults: [ServiceError.Field] = []
    let address = EmailAddress(email)
    if address == nil { faults.append(.init("email", code: "invalid_email", message: EmailAddress.advice)) }
    if let problem = rules.passwords.check(password, email: email, name: name) {
      faults.append(.init("password", code: problem.code.rawValue, message: problem.message))
    }
    if !TimeZoneName.isValid(timeZone) {
      faults.append(.init("time_zone", code: "unknown_time_zone", message: TimeZoneName.advice))
    }
    guard faults.isEmpty, let address else { throw ServiceError(fields: faults) }
    let user = User(
      id: .random(), externalID: externalID, email: address.text, name: name, timeZone: timeZone, plan: rules.allowances.defaultPlan,
      createdAtMilliseconds: clock.now(), awaitsVerification: isHidden)
    return (user, address)
  }

  /// Counts a sign-up and hashes its password, then gives what `body` does with the hash.
  private func hashed<Value>(
    _ password: String, of new: NewUser, network: String?, _ body: (String) async throws -> Value
  ) async throws -> Value {
    let (attempt, hash) = try await passwords.unhurried {
      let place = try passwords.admit()
      let attempt = try await limits.signUp(network: network, account: new.user.awaitsVerification ? new.address.canonical : nil)
      return (attempt, try await attempt.counted { try await passwords.hash(password, in: place) })
    }
    return try await attempt.counted { try await body(hash) }
  }
}
