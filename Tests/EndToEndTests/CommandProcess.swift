import Foundation
import TestSupport

/// The program as a person starts it: a command that runs to its end, or a server that is watched and signalled.
final class CommandProcess: @unchecked Sendable {
  // Invariant: `process` is started before anybody else sees it; afterwards it is only signalled and waited for.

  /// The result of a command.
  struct Outcome: Sendable {
    let status: Int32
    let out: String
    let err: String
  }

  static let fastHashes = ["GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "64", "GATEHOUSE_LOGIN_FLOOR_MS": "0"]

  private let process = Process()
  private let outPath: String
  private let errPath: String

  /// Starts the program with `words` in the folder `directory`.
  /// - Parameters:
  ///   - out: the file that is its standard output, in place of one that is read and removed.
  ///   - errors: its standard error in place of a file.
  ///   - program: what is started in the program's place, with its path in front of the words.
  init(
    _ words: [String], environment: [String: String] = [:], directory: String? = nil, out: String? = nil, errors: FileHandle? = nil,
    under program: [String] = []
  ) throws {
    let name = "/tmp/gh-run-\(UInt64.random(in: 0...UInt64.max))"
    (outPath, errPath) = (name + ".out", name + ".err")
    for path in [outPath, errPath] {
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw RunningService.Failure(description: "no file at \(path)")
      }
    }
    let whole = program + [Self.executable.path] + words
    process.executableURL = URL(fileURLWithPath: program.isEmpty ? Self.executable.path : "/usr/bin/env")
    process.arguments = program.isEmpty ? words : whole
    let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GATEHOUSE_") }
    process.environment = inherited.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: out ?? outPath)
    process.standardError = errors ?? FileHandle(forWritingAtPath: errPath)
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    for path in [outPath, errPath] { unlink(path) }
  }

  /// Runs a command to its end.
  static func run(_ words: String..., environment: [String: String] = [:], directory: String? = nil) async throws -> Outcome {
    let command = try CommandProcess(words, environment: environment, directory: directory)
    return try await command.outcome()
  }

  /// Starts a server on free ports and waits until it says where it is.
  static func serve(
    _ folder: String, _ words: [String] = [], environment: [String: String] = [:], directory: String? = nil, errors: FileHandle? = nil,
    under program: [String] = []
  ) async throws -> CommandProcess {
    let server = try CommandProcess(
      ["serve", "--data", folder, "--port", "0", "--ops-port", "0"] + words, environment: fastHashes.merging(environment) { $1 },
      directory: directory, errors: errors, under: program)
    try await eventually("the server says what to try: \(server.err)", within: .seconds(60)) {
      if !server.isRunning { throw RunningService.Failure(description: "the server ended: \(server.err)") }
      return server.out.contains("TOKEN\" ")
    }
    return server
  }

  var identifier: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var out: String { (try? String(contentsOfFile: outPath, encoding: .utf8)) ?? "" }
  var err: String { (try? String(contentsOfFile: errPath, encoding: .utf8)) ?? "" }

  /// The port of the public listener, as it was announced.
  var port: Int { (out.firstMatch(of: /answers on http:\/\/127\.0\.0\.1:(\d+)/)?.output.1).flatMap { Int($0) } ?? 0 }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for the end.
  func outcome(within limit: Duration = .seconds(60)) async throws -> Outcome {
    try await eventually("the process ends: \(err)", within: limit) { !process.isRunning }
    return Outcome(status: process.terminationStatus, out: out, err: err)
  }

  /// SIGTERM, and the end.
  @discardableResult func stop() async throws -> Outcome {
    signal(SIGTERM)
    return try await outcome()
  }

  private static let executable: URL = {
    let folder = Bundle.main.executableURL?.deletingLastPathComponent() ?? RunningService.root
    let candidates = [folder, RunningService.root.appendingPathComponent(".build/debug")].map { $0.appendingPathComponent("gatehouse") }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[1]
  }()
}

extension RunningService {
  /// A new user through the public sign-up of a server: id, email and a session's token.
  func newUser(at port: Int) async throws -> (id: String, email: String, token: String) {
    let email = "u\(UInt64.random(in: 0...UInt64.max))@example.com"
    let body = #"{"email":"\#(email)","password":"\#(Self.password)"}"#
    let made = try await ask("POST", "/v1/users", at: port, body: body)
    let opened = try await ask("POST", "/v1/sessions", at: port, body: body)
    guard let id = made.text("id"), let token = opened.text("token") else {
      throw Failure(description: "no user: \(made.status) \(opened.status)")
    }
    return (id, email, token)
  }

  /// Whether Redis has a hash of the user.
  func isWarm(_ id: String) throws -> Bool { try isWarm(key: "gh:{\(id.dropFirst(4))}") }

  /// Whether there is a user's hash of the present form under a key.
  func isWarm(key: String) throws -> Bool { try redis("hkeys", key).split(separator: "\n").contains { $0.hasPrefix("v2:") } }
}
