import HTTPTypes

/// The answer to a proxy that asks whether it may let a request through: `/v1/auth/{profile}[/anything]`, any method.
///
/// Proxies understand few statuses, so only 200, 401, 403, 429 and 503 are given, and what a proxy would drop stands in header
/// fields: the problem as one line in `Gatehouse-Problem`, the true status in `Gatehouse-Status`.
enum ProxyAnswer {
  /// The status that the proxy gets for a refusal: 429 as 403 where it asks for that; what it could not handle as 403.
  /// - Parameter refuse: the value of `Gatehouse-Refuse`.
  private static func status(_ code: ProblemCode, refuse: String?) -> Int {
    let status = trueStatus(code)
    return status == 429 && refuse == "403" ? 403 : status
  }

  /// The refusal as the proxy gets it.
  /// - Parameter refuse: the value of `Gatehouse-Refuse`.
  static func refused(_ problem: Problem, refuse: String?, requestID: String) -> Answer {
    var answer = problem.answer(
      requestID: requestID, status: status(problem.code, refuse: refuse), shown: trueStatus(problem.code))
    for (name, value) in refusalFields(problem, requestID: requestID) {
      if let name = HTTPField.Name(name) { answer.fields[name] = value }
    }
    return answer
  }

  /// The fields that carry a refusal past a proxy that drops its status and body.
  private static func refusalFields(_ problem: Problem, requestID: String) -> [(String, String)] {
    let line = oneLine(String(decoding: problem.body(requestID: requestID, status: trueStatus(problem.code)), as: UTF8.self))
    let short = Problem(problem.code, problem.code.title).body(requestID: requestID, status: trueStatus(problem.code))
    return [
      (ProxyField.status, String(trueStatus(problem.code))),
      (ProxyField.problem, line.utf8.count <= Components.problemBytesMax ? line : oneLine(String(decoding: short, as: UTF8.self))),
    ]
  }

  /// The status that the client should get: that of the code, in the five that this call has.
  private static func trueStatus(_ code: ProblemCode) -> Int {
    switch code.status {
    case 401, 403, 429, 503: code.status
    default: code == .ambiguousCredentials ? 401 : 403
    }
  }

  /// Visible ASCII: JSON keeps its meaning, since what lies beyond is escaped.
  private static func oneLine(_ text: String) -> String {
    var line = ""
    for unit in text.utf16 {
      if (0x20...0x7e).contains(unit), let scalar = Unicode.Scalar(unit) {
        line.unicodeScalars.append(scalar)
      } else {
        let hex = String(unit, radix: 16)
        line += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      }
    }
    return line
  }
}

/// The header fields between a proxy and Gatehouse.
enum ProxyField {
  static let user = "Gatehouse-User"
  static let externalID = "Gatehouse-External-Id"
  static let plan = "Gatehouse-Plan"
  static let session = "Gatehouse-Session"
  static let status = "Gatehouse-Status"
  static let problem = "Gatehouse-Problem"
  /// `403` from a proxy that knows no 429.
  static let refuse = "Gatehouse-Refuse"
  /// `own` from a proxy that asks with the client's own method.
  static let method = "Gatehouse-Method"
}
