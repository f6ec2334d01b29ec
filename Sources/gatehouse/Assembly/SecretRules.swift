import Foundation
import GatehouseCore
import GatehouseCrypto
import GatehouseLedger
import Logging
import Threads

/// Whether the server secret in a data folder is the one that its ledger was served with. With another, or none, every session would end
/// without a word: so it is made or taken only where nothing hangs on the old one, or where the operator accepts that.
struct SecretRules {
  let path: String
  let ledger: LedgerDatabase
  let acceptsNew: Bool

  /// The secret, made if there is none. Throws a sentence that says what another one would cost.
  func secret() throws -> ServerSecret {
    let sessions = try ledger.sessionsLive(now: Int64(Date().timeIntervalSince1970 * 1000))
    let isMissing = access(path, F_OK) != 0 && errno == ENOENT
    if isMissing, sessions > 0, !acceptsNew { throw lost("is missing", sessions) }
    let secret = try ServerSecret.loadOrCreate(path: path)
    guard !isMissing, sessions > 0, let last = try ledger.firstLine() else { return secret }
    let isRight = secret.lines.contains { $0.digest == last.digest }
    if !isRight, !acceptsNew { throw lost("has no line \(last.id), with which the ledger was served last", sessions) }
    // Left in a unit file it would make the next loss a silent one.
    if isRight, acceptsNew {
      throw ServerSecret.Failure("--new-secret is for a secret that is lost, and \(path) is the right one: leave the flag out.")
    }
    return secret
  }

  private func lost(_ what: String, _ sessions: Int) -> ServerSecret.Failure {
    ServerSecret.Failure(
      "The secret \(path) \(what), and the ledger has \(sessions) live session\(sessions == 1 ? "" : "s"). Restore it from a backup. "
        + "If it is lost, start the server once with --new-secret: \(ServerSecret.costOfAnother).")
  }
}

extension Assembly {
  /// Reads the secret's file again. Returns whether it has changed; then what it makes from now on is made by its first line, and
  /// every line verifies. Throws a sentence, and the secret stays as it was.
  func readSecretAgain() async throws -> Bool {
    let path = folder.secret
    let (old, next) = (secret.now, try await offPool { Result { try ServerSecret.load(path: path) } }.get())
    guard next.lines != old.lines else { return false }
    if let first = old.lines.first, !next.lines.contains(first) {
      throw ServerSecret.Failure(
        "The secret \(folder.secret) lacks the line \(first.id), which made the tokens in use: put it back behind the new line.")
    }
    let unknown = try await ledger.noteSecret(next, inPlaceOf: old, now: clock.now())
    secret.replace(with: next)
    if let first = next.lines.first, unknown.contains(first), next.lines.count > 1 {
      log.warning(
        """
        The first line of the secret was never behind another: until every process has read it, those that have not answer 401 to what \
        it makes. Put a new line behind the others first, send SIGHUP to every process, then put it in front
        """, metadata: ["line": .string(first.id)])
    }
    return true
  }

  /// Tells the log until when the older lines of the secret are needed.
  func tellSecretNeeds() async {
    guard secret.now.lines.count > 1, let needs = try? await ledger.secretNeeds(secret.now), !needs.isEmpty else { return }
    let until = needs.map { (id: String, until: Int64) in (id, Logger.MetadataValue.string(Instants.text(until))) }
    log.notice(
      "The secret has older lines: keep each in the file until then",
      metadata: ["needed_until": .dictionary(Dictionary(until) { first, _ in first })])
  }
}
