import Foundation

/// The answer of a command, on standard output: whole, or the command has failed.
enum Output {
  /// Writes a line. Throws a sentence when it can't be written: whoever asked must not take silence for an answer.
  static func line(_ text: String) throws(CommandFailure) { try write(text + "\n") }

  /// Writes text as it is. Throws as `line`.
  static func write(_ text: String) throws(CommandFailure) {
    var left = Array(text.utf8)[...]
    while !left.isEmpty {
      let written = left.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written < 0, errno == EAGAIN {
        var place = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&place, 1, -1)
        continue
      }
      guard written > 0 else {
        let reason = String(cString: strerror(errno))
        throw CommandFailure("The answer can't be written to standard output (\(reason)): it is lost.")
      }
      left = left.dropFirst(written)
    }
  }
}
