import GatehouseHTTP
import StrictJSON
import Testing

@Suite("Fields of a body")
struct FieldReaderTests {
  enum Choice: String, CaseIterable { case web, mobile }

  private func problem(_ body: String, _ read: (inout FieldReader) -> Void) -> Problem? {
    do {
      var reader = try FieldReader(body: Array(body.utf8))
      read(&reader)
      try reader.finish()
      return nil
    } catch {
      return error as? Problem
    }
  }

  /// "pointer code" of each fault that the problem lists.
  private func faults(_ problem: Problem?) -> [String] {
    guard case .array(let errors)? = problem?.extras["errors"] else { return [] }
    return errors.compactMap { error in
      guard case .object(let object) = error, case .string(let pointer)? = object["pointer"], case .string(let code)? = object["code"]
      else {
        return nil
      }
      return "\(pointer) \(code)"
    }
  }

  @Test("A good body is read whole")
  func good() throws {
    var reader = try FieldReader(
      body: Array(#"{"s":"ü","n":5,"b":true,"c":"mobile","m":{ "x":1.0 },"o":{"p":"q"},"l":[{"k":1},{"k":2}],"t":["a"],"z":null}"#.utf8))
    let text = reader.string("s", length: 1...1)
    let number = reader.int("n", in: 1...5)
    let flag = reader.optionalBool("b") ?? false
    let choice = reader.oneOf("c", Choice.allCases)
    let raw = reader.rawObject("m", bytesMax: 20)
    let nested = reader.object("o") { $0.string("p", length: 1...9) }
    let list = reader.objects("l", count: 1...2) { $0.int("k", in: 1...2) }
    let texts = reader.strings("t", count: 0...1, length: 1...1)
    let null = reader.optionalString("z", length: 1...1)
    let absent = reader.optionalInt("y", in: 1...1)
    let fallback = reader.optionalOneOf("x", Choice.allCases) ?? .web
    #expect(text == "ü" && number == 5 && flag && choice == .mobile && nested == "q" && list == [1, 2] && texts == ["a"])
    #expect(raw == Array(#"{ "x":1.0 }"#.utf8))
    #expect(null == nil && absent == nil && fallback == .web)
    #expect(reader.isPresent("z"))
    #expect(!reader.isPresent("y"))
    try reader.finish()
  }

  @Test("Every fault is reported at once, with its place and code")
  func all() {
    let found = problem(
      #"{"short":"","long":"abc","type":1,"nul":"a\u0000","n":11,"big":99999999999999999999,"frac":1.0,"c":"x","m":{"a":12345},"o":{"p":1,"a/b":2},"l":[{},3],"who":1,"gone":null}"#
    ) { reader in
      _ = reader.string("short", length: 1...2)
      _ = reader.string("long", length: 1...2)
      _ = reader.string("type", length: 1...2)
      _ = reader.string("nul", length: 1...9)
      _ = reader.int("n", in: 1...10)
      _ = reader.int("big", in: 1...10)
      _ = reader.int("frac", in: 1...10)
      _ = reader.oneOf("c", Choice.allCases)
      _ = reader.rawObject("m", bytesMax: 5)
      _ = reader.object("o") { $0.string("p", length: 1...2) }
      _ = reader.objects("l", count: 1...2) { $0.int("k", in: 1...2) }
      _ = reader.string("gone", length: 1...2)
      reader.refuse("password", code: "password_common", "Choose another.")
    }
    #expect(
      faults(found) == [
        "/short too_short", "/long too_long", "/type wrong_type", "/nul contains_nul", "/n out_of_range", "/big out_of_range",
        "/frac wrong_type", "/c not_allowed", "/m too_long", "/o/p wrong_type", "/o/a~1b unknown_field", "/l/0/k required",
        "/l/1 wrong_type", "/gone required", "/password password_common", "/who unknown_field",
      ])
    #expect(found?.code == .invalidFields)
  }

  @Test("The problem reads as the contract shows it")
  func shape() {
    let found = problem(#"{"password":"x"}"#) { reader in
      _ = reader.string("password", length: 8...9)
      _ = reader.string("time_zone", length: 1...9)
    }
    #expect(
      found.map { String(decoding: $0.body(requestID: "req_1"), as: UTF8.self) }
        == #"{"type":"urn:gatehouse:problem:invalid_fields","title":"Some fields are not valid","status":422,"code":"invalid_fields","#
        + #""detail":"2 fields need attention: password, time_zone.","request_id":"req_1","errors":[{"field":"password","pointer":"/password","#
        + #""code":"too_short","message":"Use at least 8 characters."},{"field":"time_zone","pointer":"/time_zone","code":"required","#
        + #""message":"This field is required."}]}"#)
  }

  @Test("Bad JSON is 400, a body that is no object is 422")
  func notAnObject() {
    #expect(problem("{", { _ in })?.code == .malformedRequest)
    #expect(problem(#"{"a":1,"a":1}"#, { _ in })?.code == .malformedRequest)
    #expect(problem("[]", { _ in })?.code == .invalidFields)
  }

  @Test("A body full of unknown fields gives a bounded answer")
  func bounded() {
    let members = (0..<5_000).map { "\"\(String(repeating: "k", count: 200))\($0)\":1" }.joined(separator: ",")
    let found = problem("{\(members)}") { _ in }
    #expect(faults(found).count == Problem.faultsMax)
    #expect((found?.body(requestID: "req_1").count ?? 0) < 16_384)
  }
}
