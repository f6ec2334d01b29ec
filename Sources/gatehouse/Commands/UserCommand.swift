import ArgumentParser
import Foundation
import GatehouseCore
import StrictJSON

struct UserCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "List and show users, set plans, suspend.",
    subcommands: [List.self, Show.self, SetPlan.self, Suspend.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List users, newest first.")
    private static let pageMax = 100
    @OptionGroup var service: ServiceOptions
    @Argument(help: "Only users whose id, external id or email begins with this text, of at most 100 characters.") var query: String?
    @Option(help: "How many users at most, 1 to 100000.") var limit = 20

    func validate() throws {
      guard (1...100_000).contains(limit) else { throw ValidationError("--limit is \(limit): it must be from 1 to 100000.") }
    }

    func run() async throws {
      let (query, limit) = (query, limit)
      let users = try await Operations.with(service.folder(), settings: service.source.load) { operations in
        var users: [JSONObject] = []
        var cursor: String?
        repeat {
          var path = "/v1/admin/users?limit=\(min(Self.pageMax, limit - users.count))"
          if let query { path += "&query=\(escaped(query))" }
          if let cursor { path += "&cursor=\(escaped(cursor))" }
          let page = try await operations.ask("GET", path)
          users += page.objects("data")
          cursor = page.text("next_cursor")
        } while cursor != nil && users.count < limit
        return users
      }
      let rows = users.prefix(limit).map { user in
        [
          user.text("id") ?? "", user.text("email") ?? "", user.text("plan") ?? "", user.text("status") ?? "",
          user.text("created_at") ?? "", user.text("external_id") ?? "-",
        ]
      }
      try Output.line(Table(["ID", "EMAIL", "PLAN", "STATUS", "CREATED", "EXTERNAL ID"], rows).text)
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a user: account, plan, sessions, allowances.")
    @OptionGroup var service: ServiceOptions
    @Argument(help: .user) var user: String

    func run() async throws {
      let user = user
      let found = try await Operations.with(service.folder(), settings: service.source.load) { try await $0.user(user) }
      var rows = ["id", "email", "external_id", "name", "time_zone", "plan", "plan_ends_at", "status", "suspended_reason"].map {
        [$0, found.text($0) ?? "-"]
      }
      rows.append(["sessions_live", found.number("sessions_live").map(String.init) ?? "-"])
      rows += ["password_scheme", "created_at", "last_login_at"].map { [$0, found.text($0) ?? "-"] }
      for allowance in found.objects("allowances") {
        let limit = allowance.number("limit").map { "of \($0 + (allowance.number("bonus") ?? 0))" } ?? "of unlimited"
        let text =
          "\(allowance.number("used") ?? 0) used, \(allowance.number("held") ?? 0) held \(limit), until \(allowance.text("resets_at") ?? "-")"
        rows.append([allowance.text("metric") ?? "", text])
      }
      try Output.line(Table(["FIELD", "VALUE"], rows).text)
    }
  }

  struct SetPlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "plan", abstract: "Put a user on a plan, from their next request on.")
    @OptionGroup var service: ServiceOptions
    @Argument(help: .user) var user: String
    @Argument(help: "A plan of the configuration.") var plan: String
    @Option(help: "When it ends, such as 2027-11-23T00:00:00Z; without it never.", transform: Self.instant) var until: String?
    @Option(help: .reason) var reason = "gatehouse user plan"

    func run() async throws {
      let (user, plan) = (user, plan)
      let changes: JSONObject = ["plan": .string(plan), "plan_ends_at": .optional(until), "reason": .string(reason)]
      let changed = try await Operations.with(service.folder(), settings: service.source.load) { try await $0.change(user, changes) }
      try Output.line("\(changed.text("id") ?? user) is on plan \(changed.text("plan") ?? plan)\(until.map { " until \($0)" } ?? "").")
    }

    private static func instant(_ text: String) throws -> String {
      guard let instant = Instants.parse(text) ?? Instants.parseDate(text) else {
        throw ValidationError("\(Quoted.text(text)) is not an instant: write one such as 2027-11-23T00:00:00Z or 2027-11-23.")
      }
      return Instants.text(instant)
    }
  }

  struct Suspend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Suspend a user, or lift it: every use of their sessions is refused from the next request on.",
      discussion: "Lifting a suspension ends the user's sessions: they log in again.")
    @OptionGroup var service: ServiceOptions
    @Argument(help: .user) var user: String
    @Flag(help: "Lift the suspension.") var lift = false
    @Option(help: .reason) var reason = "gatehouse user suspend"

    func run() async throws {
      let user = user
      let changes: JSONObject = ["status": .string(lift ? "active" : "suspended"), "reason": .string(reason)]
      let (before, changed) = try await Operations.with(service.folder(), settings: service.source.load) {
        (try await $0.user(user).text("status"), try await $0.change(user, changes))
      }
      let lifted = before == "suspended" ? "active again; their sessions have ended" : "active, and was not suspended: nothing has changed"
      try Output.line("\(changed.text("id") ?? user) is \(lift ? lifted : "suspended").")
    }
  }
}

extension ArgumentHelp {
  fileprivate static let user: ArgumentHelp = "The user's id or email."
}

extension Operations {
  /// The overview of the user with an id or email.
  func user(_ idOrEmail: String) async throws(CommandFailure) -> JSONObject {
    let id = try await id(of: idOrEmail)
    return try await ask("GET", "/v1/admin/users/\(id)", missing: Self.noUser(idOrEmail))
  }

  /// Changes the user with an id or email; their overview afterwards.
  func change(_ idOrEmail: String, _ changes: JSONObject) async throws(CommandFailure) -> JSONObject {
    let id = try await id(of: idOrEmail)
    return try await ask("PATCH", "/v1/admin/users/\(id)", changes, missing: Self.noUser(idOrEmail))
  }

  private func id(of idOrEmail: String) async throws(CommandFailure) -> String {
    if UserID(idOrEmail) != nil { return idOrEmail }
    guard let address = EmailAddress(idOrEmail) else {
      throw CommandFailure("\(Quoted.text(idOrEmail)) is neither a user's id (usr_…) nor an email: see gatehouse user list.")
    }
    let found = try await ask("GET", "/v1/admin/users?limit=100&query=\(escaped(address.text))").objects("data")
    let forms = EmailAddress.Forms(address.text)
    func isMatch(_ user: JSONObject, _ form: KeyPath<EmailAddress.Forms, String>) -> Bool {
      EmailAddress.Forms(user.text("email") ?? "")[keyPath: form] == forms[keyPath: form]
    }
    // Of several that share the address the one with this very spelling, else the oldest: what a login finds.
    let match = found.last { isMatch($0, \.older) } ?? found.last { isMatch($0, \.canonical) }
    guard let id = match?.text("id") else { throw CommandFailure(Self.noUser(idOrEmail)) }
    return id
  }

  private static func noUser(_ idOrEmail: String) -> String {
    "There is no user \(Quoted.text(idOrEmail)): see gatehouse user list."
  }
}

/// A value of a query.
func escaped(_ text: String) -> String {
  text.utf8.map { byte in
    let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }.joined()
}
