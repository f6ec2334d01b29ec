import GatehouseCrypto
import GatehouseCore
import Logging
import ServiceLifecycle
import Threads
import UnixSignals

/// Reads the secret and the configuration again on SIGHUP. A wrong one is logged and changes nothing.
struct Reload: Service {
  let assembly: Assembly
  let source: ConfigurationSource
  let level: JSONLines.Level
  let log: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    await cancelWhenGracefulShutdown {
      var source = source
      await assembly.tellSecretNeeds()
      for await _ in signals {
        await reloadSecret()
        source = await reloadSettings(from: source)
      }
    }
  }

  private func reloadSecret() async {
    do {
      guard try await assembly.readSecretAgain() else { return }
      // Requests that come from now on meet an API with the new lines.
      try assembly.apply(assembly.live.settings)
      log.notice("The secret is read again", metadata: ["lines": "\(assembly.secret.now.lines.count)"])
      await assembly.tellSecretNeeds()
    } catch { log.error("The secret can't be used: it stays as it was", metadata: ["error": "\(error)"]) }
  }

  /// The source to read the next time.
  private func reloadSettings(from source: ConfigurationSource) async -> ConfigurationSource {
    let (settings, next): (Settings, ConfigurationSource)
    let loaded = await offPool {
      Result { () throws(ConfigurationProblems) -> (Settings, ConfigurationSource) in (try source.load(), source.pinned) }
    }
    do { (settings, next) = try loaded.get() } catch {
      log.error(
        "The configuration is wrong: the settings stay as they were", metadata: ["problems": .array(error.sentences.map { .string($0) })])
      return source
    }
    let waiting = settings.keysThatNeedRestart(since: assembly.live.settings)
    do { try assembly.apply(settings.keepingWhatNeedsRestart(of: assembly.live.settings)) } catch {
      log.error("The settings can't be put in force: they stay as they were", metadata: ["error": "\(error)"])
      return source
    }
    level.now = settings.logLevel
    if !waiting.isEmpty {
      log.warning("Some settings change only with a restart", metadata: ["keys": .array(waiting.map { .string($0) })])
    }
    log.notice("The settings are reloaded", metadata: ["file": "\(next.path ?? "none")"])
    return next
  }
}

extension Settings {
  /// These settings, with the old values of all that a running process can't change.
  fileprivate func keepingWhatNeedsRestart(of old: Settings) -> Settings {
    var kept = self
    kept.dataFolder = old.dataFolder
    kept.processes = old.processes
    kept.ledgerCacheMiB = old.ledgerCacheMiB
    kept.http.host = old.http.host
    kept.http.port = old.http.port
    kept.http.opsHost = old.http.opsHost
    kept.http.opsPort = old.http.opsPort
    kept.http.connectionsMax = old.http.connectionsMax
    kept.http.drainSeconds = old.http.drainSeconds
    return kept
  }
}
