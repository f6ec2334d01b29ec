import Foundation
import ArgumentParser
import GatehouseCore
import StrictJSON

struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make, list and revoke service keys.", subcommands: [Create.self, List.self, Revoke.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a service key and print it. It is shown only this once, since only its hash is kept.",
      discussion: """
        gate: decide requests. work: reservations, analyses, usage. accounts: sign up and log in on behalf, look users up, set plans.
        admin: the admin routes of the ops listener.
        """)
    private static let expiry = 60...ServiceKey.secondsMax
    /// The durations that a key may have, as people write them.
    private static var expiryText: String {
      "\(DurationText.text(seconds: expiry.lowerBound)) to \(DurationText.text(seconds: expiry.upperBound))"
    }

    @OptionGroup var service: ServiceOptions
    @Option(help: "The purpose of the key, 1 to 64 characters.") var name: String
    @Option(help: "Some of gate, work, accounts, admin, with commas.", transform: Self.scopes) var scopes: [String]
    @Option(help: "When it ends, \(Self.expiryText), such as 90d; without it never.", transform: Self.seconds) var expiresIn: Int64?

    func run() async throws {
      var body: JSONObject = ["name": .string(name), "scopes": .array(scopes.map { .string($0) })]
      if let expiresIn { body.append("expires_in_seconds", .int64(expiresIn)) }
      let request = body
      try await Operations.with(service.folder(), settings: service.source.load) { operations in
        let made = try await operations.ask("POST", "/v1/admin/keys", request)
        guard let key = made.text("key"), let id = made.text("id") else {
          throw CommandFailure("The server answered without a key. Look for it with: gatehouse key list.")
        }
        do throws(CommandFailure) { try Output.line(key) } catch { throw await Self.lost(id, error, operations) }
      }
    }

    /// A key that nobody has seen must not stay good.
    private static func lost(_ id: String, _ error: CommandFailure, _ operations: Operations) async -> CommandFailure {
      do { _ = try await operations.ask("DELETE", "/v1/admin/keys/\(id)") } catch {
        return CommandFailure(
          "The key \(id) was made, could not be shown and could not be revoked (\(error)). Revoke it: gatehouse key revoke \(id).")
      }
      return CommandFailure("\(error) The key \(id) was made, could not be shown and is revoked.")
    }

    private static func scopes(_ text: String) throws -> [String] {
      let words = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      let known = ServiceKey.Scope.allCases.map(\.rawValue)
      if let unknown = words.first(where: { !known.contains($0) }) {
        throw ValidationError("\(Quoted.text(unknown)) is not a scope: use some of \(known.joined(separator: ", ")).")
      }
      guard !words.isEmpty else { throw ValidationError("Name at least one scope of \(known.joined(separator: ", ")).") }
      return words
    }

    private static func seconds(_ text: String) throws -> Int64 {
      guard let seconds = DurationText.seconds(text), expiry.contains(seconds) else {
        throw ValidationError("\(Quoted.text(text)) is not a duration from \(expiryText): write one such as 90d, 12h or 30m.")
      }
      return seconds
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the service keys, revoked and expired ones too.")
    @OptionGroup var service: ServiceOptions

    func run() async throws {
      let keys = try await Operations.with(service.folder(), settings: service.source.load) { operations in
        try await operations.ask("GET", "/v1/admin/keys").objects("data")
      }
      let rows = keys.map { key in
        [
          key.text("id") ?? "", key.text("name") ?? "", Self.scopes(key), key.text("created_at") ?? "",
          key.text("expires_at") ?? "never", key.text("last_used_at") ?? "never", key.text("revoked_at") ?? "-",
        ]
      }
      try Output.line(Table(["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "REVOKED"], rows).text)
    }

    private static func scopes(_ key: JSONObject) -> String {
      guard case .array(let scopes)? = key["scopes"] else { return "" }
      return scopes.compactMap { if case .string(let text) = $0 { text } else { nil } }.joined(separator: ",")
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Revoke a service key: no process accepts it once this returns.")
    @OptionGroup var service: ServiceOptions
    @Argument(help: "The key's id, as list shows it.") var id: String

    func run() async throws {
      let id = id
      guard ServiceKeyID(id) != nil else {
        throw CommandFailure("\(Quoted.text(id)) is not the id of a service key: find it with gatehouse key list.")
      }
      _ = try await Operations.with(service.folder(), settings: service.source.load) { operations in
        try await operations.ask("DELETE", "/v1/admin/keys/\(id)", missing: "There is no live service key \(id): see gatehouse key list.")
      }
      try Output.line("\(id) is revoked.")
    }
  }
}
