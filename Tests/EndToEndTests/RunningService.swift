import Foundation
import FoundationNetworking
import StrictJSON
import Synchronization
import TestSupport

/// A service of its own for a test: a temporary data folder, Redis on a socket in it, one API process or more on free ports.
final class RunningService: Sendable {
  struct Failure: Error, CustomStringConvertible { let description: String }

  struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]

    var json: JSONObject {
      guard case .object(let object) = try? JSONValue.parse(body) else { return [:] }
      return object
    }

    /// The text at a path such as `session.id`.
    func text(_ path: String) -> String? {
      var value: JSONValue = .object(json)
      for name in path.split(separator: ".") {
        guard case .object(let object) = value, let next = object[String(name)] else { return nil }
        value = next
      }
      if case .string(let text) = value { return text }
      return nil
    }
  }

  private struct API {
    let process: Process
    let port: Int
    let opsPort: Int
  }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let startupSeconds = 30.0

  let folder: String
  private let apis = Mutex<[API]>([])
  private let redisProcess = Mutex<Process?>(nil)
  private let http: URLSession

  private let environment: [String: String]

  private init(folder: String, environment: [String: String]) {
    self.folder = folder
    self.environment = environment
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = 64
    configuration.timeoutIntervalForRequest = 20
    configuration.httpCookieStorage = nil
    http = URLSession(configuration: configuration)
  }

  /// Runs `body` against a service with `processes` API processes; ends all of it afterwards, and requires that every key of Redis
  /// has a time to live.
  /// - Parameter environment: of the API processes, beside what makes tests quick.
  static func with(
    processes: Int = 1, environment: [String: String] = [:], _ body: (RunningService) async throws -> Void
  ) async throws {
    let folder = "/tmp/gh-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let service = RunningService(folder: folder, environment: environment)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try service.startRedis()
    defer { service.stop() }
    for _ in 0..<processes { try await service.startAPI() }
    try await body(service)
    let immortal = try service.keysWithoutTimeToLive()
    guard immortal.isEmpty else { throw Failure(description: "keys without a time to live: \(immortal)") }
  }

  // MARK: processes

  /// As a child of the test: `Process` would wait for a server in the background as long as it runs.
  func startRedis() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "redis-server", "\(Self.root.path)/redis.conf", "--dir", folder, "--unixsocket", folder + "/redis.sock", "--logfile",
      folder + "/redis.log",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    redisProcess.withLock { $0 = process }
    let deadline = Date().addingTimeInterval(Self.startupSeconds)
    while (try? redis("ping")) != "PONG\n" {
      guard process.isRunning, Date() < deadline else { throw Failure(description: "Redis did not start: see \(folder)/redis.log") }
      sched_yield()
    }
  }

  /// SIGKILL, and wait until it is gone.
  func killRedis() throws {
    guard let process = redisProcess.withLock({ $0 }) else { throw Failure(description: "Redis was not started") }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func redis(_ words: String...) throws -> String { try redis(words) }

  func redis(_ words: [String]) throws -> String { try Self.run("/usr/bin/env", ["redis-cli", "-s", folder + "/redis.sock"] + words) }

  /// Runs SQL on the ledger's file, beside the processes.
  func ledger(_ sql: String) throws -> String {
    try Self.run("/usr/bin/env", ["sqlite3", folder + "/gatehouse.sqlite", ".timeout 5000", sql])
  }

  func startAPI() async throws {
    let process = Process()
    let (port, ops) = (try FreePort.number(), try FreePort.number())
    process.executableURL = Self.executable
    process.arguments = ["serve", "--data", folder, "--port", String(port), "--ops-port", String(ops)]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["GATEHOUSE_PASSWORD_ARGON_MEMORY_KIB": "64", "GATEHOUSE_LOGIN_FLOOR_MS": "0"]) { $1 }.merging(environment) { $1 }
    let log = folder + "/api-\(port).log"
    guard FileManager.default.createFile(atPath: log, contents: nil) else { throw Failure(description: "no log at \(log)") }
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = process.standardOutput
    try process.run()
    apis.withLock { $0.append(API(process: process, port: port, opsPort: ops)) }
    let deadline = Date().addingTimeInterval(Self.startupSeconds)
    while Date() < deadline, process.isRunning {
      if let answer = try? await ask("GET", "/readyz", at: port), answer.text("status") == "ready" { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw Failure(description: "the API did not become ready: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
  }

  /// All that a process has written to its standard output and error so far.
  func log(_ process: Int = 0) throws -> String { try String(contentsOfFile: folder + "/api-\(port(process)).log", encoding: .utf8) }

  /// SIGKILL to every API process.
  func killAPIs() {
    for api in apis.withLock({ apis in
      defer { apis = [] }
      return apis
    }) {
      // The id of one that has ended by itself may be another's by now.
      if api.process.isRunning { kill(api.process.processIdentifier, SIGKILL) }
      api.process.waitUntilExit()
    }
  }

  /// The public port of a process.
  func port(_ process: Int = 0) -> Int { apis.withLock { $0[process].port } }

  /// The ops port of a process.
  func opsPort(_ process: Int = 0) -> Int { apis.withLock { $0[process].opsPort } }

  /// The id of a process.
  func processID(_ process: Int = 0) -> Int32 { apis.withLock { $0[process].process.processIdentifier } }

  /// Whether a process still runs.
  func isRunning(_ process: Int = 0) -> Bool { apis.withLock { $0[process].process.isRunning } }

  /// SIGSTOP: the process is there and does nothing, until `resume`.
  func pause(_ process: Int) async throws { try await TestSupport.pause(processID: processID(process)) }

  func resume(_ process: Int) { kill(processID(process), SIGCONT) }

  /// SIGTERM: the process finishes what it has begun and ends.
  func terminate(_ process: Int = 0) { kill(processID(process), SIGTERM) }

  private func stop() {
    killAPIs()
    try? killRedis()
  }

  // MARK: calls

  func ask(
    _ method: String, _ path: String, process: Int = 0, at port: Int? = nil, bearer: String? = nil, headers: [String: String] = [:],
    body: String? = nil, patience: TimeInterval = 20
  ) async throws -> Answer {
    let target = port ?? apis.withLock { $0[process].port }
    guard let url = URL(string: "http://127.0.0.1:\(target)\(path)") else { throw Failure(description: "no URL: \(path)") }
    var request = URLRequest(url: url)
    request.httpMethod = method
    request.timeoutInterval = patience
    if let bearer { request.setValue("Bearer \(bearer)", forHTTPHeaderField: "Authorization") }
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    if let body {
      request.httpBody = Data(body.utf8)
      if headers["Content-Type"] == nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
    }
    let (data, response) = try await answer(to: request)
    guard let response = response as? HTTPURLResponse else { throw Failure(description: "no HTTP answer") }
    var fields: [String: String] = [:]
    for (name, value) in response.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
    let answer = Answer(status: response.statusCode, headers: fields, body: Array(data))
    let isPublic = !apis.withLock { $0.contains { $0.opsPort == target } }
    if method != "HEAD" { Contract.hold(answer, to: method, path, isPublic: isPublic) }
    return answer
  }

  /// Not `data(for:)`: Foundation's can deadlock when its task is cancelled just as the answer arrives. A call ends by its timeout.
  private func answer(to request: URLRequest) async throws -> (Data, URLResponse) {
    try await withCheckedThrowingContinuation { continuation in
      let task = http.dataTask(with: request) { data, response, error in
        if let data, let response {
          continuation.resume(returning: (data, response))
        } else {
          continuation.resume(throwing: error ?? Failure(description: "neither an answer nor an error"))
        }
      }
      task.resume()
    }
  }

  /// The statuses of calls that are sent at once, by a client that costs little: Foundation's spins while many calls wait, and takes the
  /// core from what they wait for.
  func statuses(_ method: String, _ path: String, bearer: String, headers: [String: String], bodies: [String]) throws -> [Int] {
    let lines = (["Authorization: Bearer \(bearer)", "Content-Type: application/json"] + headers.map { "\($0): \($1)" })
      .map { "header = \"\($0)\"" }
    let calls = bodies.map { body in
      let data = body.replacing("\"", with: "\\\"")
      return """
        url = "http://127.0.0.1:\(port())\(path)"
        request = \(method)
        data = "\(data)"
        \(lines.joined(separator: "\n"))
        output = /dev/null
        write-out = "%{http_code}\\n"
        max-time = 60
        """
    }
    let file = "\(folder)/calls"
    try calls.joined(separator: "\nnext\n").write(toFile: file, atomically: true, encoding: .utf8)
    let words = ["curl", "-s", "--parallel", "--parallel-immediate", "--parallel-max", "\(bodies.count)", "-K", file]
    let found = try Self.run("/usr/bin/env", words).split(separator: "\n").compactMap { Int($0) }
    guard found.count == bodies.count else { throw Failure(description: "\(found.count) of \(bodies.count) calls were answered") }
    return found
  }

  /// A call to the ops socket of the first process.
  func operate(_ method: String, _ path: String, body: String? = nil) throws -> Answer {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("ops-") }
    let pids = apis.withLock { $0.map { "ops-\($0.process.processIdentifier).sock" } }
    guard let socket = pids.first(where: names.contains) else { throw Failure(description: "no ops socket in \(names)") }
    // It holds one of the few threads that tests run on: a process that is paused must not keep it for good.
    var words = ["curl", "-s", "--max-time", "30", "-w", "\n%{http_code}", "-X", method]
    words += ["--unix-socket", "\(folder)/\(socket)", "http://ops\(path)"]
    if let body { words += ["-H", "Content-Type: application/json", "-d", body] }
    let output = try Self.run("/usr/bin/env", words)
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
    let answer = Answer(status: Int(lines.last ?? "") ?? 0, headers: [:], body: Array(lines.dropLast().joined(separator: "\n").utf8))
    Contract.hold(answer, to: method, path, isPublic: false)
    return answer
  }

  static let password = "a quiet canary sings at dawn"

  /// Signs a new user up and logs them in: id and token.
  func newUser(_ name: String = "u\(UInt64.random(in: 0...UInt64.max))") async throws -> (id: String, email: String, token: String) {
    let email = "\(name)@example.com"
    let key = try serviceKey("accounts")
    let made = try await ask("POST", "/v1/users", bearer: key, body: #"{"email":"\#(email)","password":"\#(Self.password)"}"#)
    guard made.status == 201, let id = made.text("id") else {
      throw Failure(description: "sign-up: \(String(decoding: made.body, as: UTF8.self))")
    }
    return (id, email, try await logIn(email))
  }

  func logIn(_ email: String, process: Int = 0) async throws -> String {
    let key = try serviceKey("accounts")
    let address = "10.\(Int.random(in: 0...255)).\(Int.random(in: 0...255)).\(Int.random(in: 1...254))"
    let answer = try await ask(
      "POST", "/v1/sessions", process: process, bearer: key, headers: ["Gatehouse-Client-IP": address],
      body: #"{"email":"\#(email)","password":"\#(Self.password)"}"#)
    guard answer.status == 201, let token = answer.text("token") else {
      throw Failure(description: "login: \(String(decoding: answer.body, as: UTF8.self))")
    }
    return token
  }

  private let keys = Mutex<[String: String]>([:])

  /// A service key with scopes such as `gate,work`, made once.
  func serviceKey(_ scopes: String) throws -> String {
    if let known = keys.withLock({ $0[scopes] }) { return known }
    let list = scopes.split(separator: ",").map { "\"\($0)\"" }.joined(separator: ",")
    let answer = try operate("POST", "/v1/admin/keys", body: #"{"name":"test","scopes":[\#(list)]}"#)
    guard let key = answer.text("key") else { throw Failure(description: "key: \(String(decoding: answer.body, as: UTF8.self))") }
    keys.withLock { $0[scopes] = key }
    return key
  }

  // MARK: bits

  private func keysWithoutTimeToLive() throws -> [String] {
    try redis("keys", "*").split(separator: "\n").map(String.init).filter { try redis("pttl", $0).hasPrefix("-1") }
  }

  private static let executable: URL = {
    let folder = Bundle.main.executableURL?.deletingLastPathComponent() ?? root
    let candidates = [folder, root.appendingPathComponent(".build/debug")].map { $0.appendingPathComponent("gatehouse") }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[1]
  }()

  @discardableResult private static func run(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    // A file and not a pipe: a server that is started in the background would keep the pipe open.
    let output = "/tmp/gh-out-\(UInt64.random(in: 0...UInt64.max))"
    guard FileManager.default.createFile(atPath: output, contents: nil) else { throw Failure(description: "no file at \(output)") }
    defer { try? FileManager.default.removeItem(atPath: output) }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let data = FileManager.default.contents(atPath: output) ?? Data()
    guard process.terminationStatus == 0 else { throw Failure(description: "\(arguments) failed with \(process.terminationStatus)") }
    return String(decoding: data, as: UTF8.self)
  }
}
