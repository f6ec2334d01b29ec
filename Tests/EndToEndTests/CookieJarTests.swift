import Foundation
import TestSupport
import Testing

/// The cookie as clients keep it, by jars that are not ours.
@Suite(.serialized) struct CookieJarTests {
  private func shell(_ script: String, _ values: [String]) throws -> [String] {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sh", "-ec", script, "sh"] + values
    process.standardOutput = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Logs in with the cookie, asks who is there, logs out, asks again: the statuses, and how many cookies of ours the jar then holds.
  private static let curl = """
    base=$1 body=$2 jar=$3
    ask() { curl -s -o /dev/null -w '%{http_code}\\n' -b "$jar" -c "$jar" -H 'Sec-Fetch-Site: same-origin' "$@"; }
    ask -H 'Content-Type: application/json' -d "$body" "$base/v1/sessions"
    grep -c gatehouse "$jar" || true
    ask "$base/v1/session"
    ask -X DELETE "$base/v1/session"
    ask "$base/v1/session"
    grep -c gatehouse "$jar" || true
    """

  private static let python = """
    import http.cookiejar, sys, urllib.error, urllib.request
    base, body = sys.argv[1], sys.argv[2].encode()
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    def ask(method, path, data=None):
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        try:
            return opener.open(urllib.request.Request(base + path, data, headers, method=method)).status
        except urllib.error.HTTPError as error:
            return error.code
    print(ask("POST", "/v1/sessions", body), len(jar), ask("GET", "/v1/session"), ask("DELETE", "/v1/session"), ask("GET", "/v1/session"), len(jar), sep="\\n")
    """

  @Test("With cookie.secure: false curl's jar and Python's keep the cookie over http, send it, and lose it at logout")
  func insecure() async throws {
    try await RunningService.with(processes: 0) { service in
      let server = try await CommandProcess.serve(service.folder, environment: ["GATEHOUSE_COOKIE_SECURE": "false"])
      let user = try await service.newUser(at: server.port)
      let base = "http://127.0.0.1:\(server.port)"
      let body = #"{"email":"\#(user.email)","password":"\#(RunningService.password)","transport":"cookie"}"#
      let wanted = ["201", "1", "200", "204", "401", "0"]
      #expect(try shell(Self.curl, [base, body, service.folder + "/jar"]) == wanted)
      let script = service.folder + "/jar.py"
      try Self.python.write(toFile: script, atomically: true, encoding: .utf8)
      #expect(try shell(#"python3 "$1" "$2" "$3""#, [script, base, body]) == wanted)
      let other = try await service.ask("GET", "/v1/session", at: server.port, headers: ["Cookie": "__Host-gatehouse=\(user.token)"])
      #expect(other.status == 401, "the other name is not read")
      let document = try await service.ask("GET", "/openapi.json", at: server.port)
      #expect(document.text("components.securitySchemes.cookie.name") == "gatehouse", "the document says what is set")
      try await server.stop()
    }
  }

  @Test("Where the cookie is Secure its plain name is not read: another host of the same domain could set it")
  func plainName() async throws {
    try await RunningService.with { service in
      let user = try await service.newUser()
      #expect(try await service.ask("GET", "/v1/session", headers: ["Cookie": "gatehouse=\(user.token)"]).status == 401)
      #expect(try await service.ask("GET", "/v1/session", headers: ["Cookie": "__Host-gatehouse=\(user.token)"]).status == 200)
      let document = try await service.ask("GET", "/openapi.json")
      #expect(document.text("components.securitySchemes.cookie.name") == "__Host-gatehouse")
    }
  }
}
