import Foundation

/// A Redis with the product's own configuration on the socket of a folder, for as long as its owner wants it, and no longer than this
/// process lives.
struct TemporaryRedis {
  private static let startPatience: Duration = .seconds(10)
  private static let stopPatience: Duration = .seconds(5)
  private static let look: Duration = .milliseconds(10)

  private let process: Process

  /// Starts it and waits until it accepts connections.
  static func start(in folder: DataFolder) async throws -> TemporaryRedis {
    let configuration = folder.path + "/redis.conf"
    try Data(PackageResources.redis_conf).write(to: URL(fileURLWithPath: configuration))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      // The kernel ends it with this process, however this one ends.
      "setpriv", "--pdeathsig", "KILL", "redis-server", configuration, "--dir", folder.path, "--unixsocket", folder.redisSocket,
      "--logfile", folder.path + "/redis.log",
      "--appendonly", "no",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try await startOnLastingThread(process)
    let redis = TemporaryRedis(process: process)
    let end = ContinuousClock.now + startPatience
    while access(folder.redisSocket, F_OK) != 0 || !OpsSockets.isListening(folder.redisSocket) {
      guard process.isRunning else {
        throw CommandFailure("redis-server ended with status \(process.terminationStatus): is it installed (apt install redis-server)?")
      }
      guard ContinuousClock.now < end else {
        await redis.stop()
        throw CommandFailure("redis-server does not listen on \(folder.redisSocket). Try again when the machine is less busy.")
      }
      try await Task.sleep(for: look)
    }
    return redis
  }

  /// To the kernel the parent is the thread that started a process, not the whole process: this one lives until the child is gone.
  private static func startOnLastingThread(_ process: Process) async throws {
    struct Child: @unchecked Sendable {
      // Invariant: that thread starts it and waits for its end; all others only signal it and ask whether it runs.
      let process: Process
    }
    let child = Child(process: process)
    let started: Result<Void, any Error> = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        do { try child.process.run() } catch { return continuation.resume(returning: .failure(error)) }
        continuation.resume(returning: .success(()))
        child.process.waitUntilExit()
      }
    }
    try started.get()
  }

  /// Ends it; returns when it is gone.
  func stop() async {
    guard process.isRunning else { return }
    process.terminate()
    let end = ContinuousClock.now + Self.stopPatience
    while process.isRunning, ContinuousClock.now < end { try? await Task.sleep(for: Self.look) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }
}
