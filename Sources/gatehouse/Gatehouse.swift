import ArgumentParser
import Foundation

@main
struct Gatehouse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gatehouse", abstract: "Sessions, rate limits and daily allowances for app backends.",
    discussion: """
      Commands go to a running service through the ops socket in its data folder, which only the folder's owner can open. With no
      service running they do the same work on the folder themselves.
      Exit status: 0 done, 1 refused or failed, 64 wrong usage.
      """,
    version: Version.text,
    subcommands: [Serve.self, ConfigCommand.self, KeyCommand.self, UserCommand.self, ClockCommand.self, RedisCommand.self, Explain.self])

  /// Runs the command that the arguments name. A failure is one write, which no line of a log that is still written can cut.
  static func main() async {
    // A reader that is gone is a failed write, said as such: the signal would end a command between its work and its word.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is a failed write too.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch let failure as CommandFailure {
      LogSink.standardError.add(Array("Error: \(failure)\n".utf8))
      LogSink.standardError.flush(within: LogSink.endPatience)
      exit(withError: ExitCode.failure)
    } catch {
      // The parser's own texts, such as --help: written by us, since it does not look whether they could be.
      guard exitCode(for: error).isSuccess else {
        LogSink.standardError.flush(within: LogSink.endPatience)
        exit(withError: error)
      }
      do { try Output.line(fullMessage(for: error)) } catch {
        LogSink.standardError.add(Array("Error: \(error)\n".utf8))
        LogSink.standardError.flush(within: LogSink.endPatience)
        exit(withError: ExitCode.failure)
      }
    }
    LogSink.standardError.flush(within: LogSink.endPatience)
  }
}
