import Logging
import StrictJSON
import Testing

@testable import gatehouse

@Suite struct JSONLinesTests {
  private func line(_ message: String, _ metadata: Logger.Metadata, context: Logger.Metadata = [:]) -> [UInt8] {
    let event = LogEvent(
      level: .warning, message: "\(message)", metadata: metadata, source: nil, file: "f", function: "g", line: 1)
    return JSONLines.line(event, context: context, at: 1_795_593_771_106)
  }

  @Test("An event is one line of JSON whatever its texts hold: no value begins a line, ends a string or hides a field")
  func injection() throws {
    let evil = "x\n{\"level\":\"notice\"}\r\u{2028}\u{0}\u{1b}[31m\",\"at\":\"never"
    let bytes = line(evil, ["path": .string(evil), "level": "fake", "list": .array([.string(evil)])], context: ["request_id": "req_1"])
    #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    #expect(bytes.last == UInt8(ascii: "\n"))
    #expect(!bytes.contains(0x1b) && !bytes.contains(0) && !bytes.contains(UInt8(ascii: "\r")))
    guard case .object(let object) = try JSONValue.parse(Array(bytes.dropLast())) else { throw NotAnObject() }
    #expect(object.members.map(\.name) == ["at", "level", "message", "level_", "list", "path", "request_id"])
    #expect(object["at"] == "2026-11-25T08:02:51.106Z")
    #expect(object["level"] == "warning")
    #expect(object["request_id"] == "req_1")
    #expect(object["path"] == .string(evil))
  }

  @Test("The level of all loggers changes with the shared one, unless a logger has its own")
  func level() {
    let level = JSONLines.Level(.notice)
    let shared = JSONLines(level: level)
    var own = JSONLines(level: level)
    own.logLevel = .error
    level.now = .debug
    #expect(shared.logLevel == .debug)
    #expect(own.logLevel == .error)
  }

  private struct NotAnObject: Error {}
}
