import Foundation

/// SIGSTOP to a process; returns once none of its threads runs any more, which is some time after the signal was sent.
public func pause(processID: Int32) async throws {
  kill(processID, SIGSTOP)
  try await eventually("process \(processID) has stopped") { isStopped(processID) }
}

private func isStopped(_ processID: Int32) -> Bool {
  let threads = "/proc/\(processID)/task"
  guard let ids = try? FileManager.default.contentsOfDirectory(atPath: threads) else { return false }
  return ids.allSatisfy { id in
    // The state follows the name, which stands in brackets and may hold any character.
    let line = try? String(contentsOfFile: "\(threads)/\(id)/stat", encoding: .utf8)
    return line?.split(separator: ")").last?.trimmingPrefix(" ").first == "T"
  }
}
