import Testing

@testable import GatehouseHTTP

@Suite("The words of a User-Agent in a device list")
struct ShortAgentTests {
  @Test(
    "A User-Agent is shortened to program, version and system",
    arguments: [
      ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
      (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        "Edge 142 on Windows"
      ),
      (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        "Chrome 142 on Android"
      ),
      (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "Safari 18 on iOS"
      ),
      (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
        "Safari 18 on macOS"
      ),
      ("App/3.2 (Android 14)", "App 3.2 on Android"), ("curl/8.5.0", "curl 8.5"), ("Go-http-client/1.1", "Go-http-client 1.1"),
    ])
  func known(_ agent: String, _ short: String) {
    #expect(ShortAgent.text(agent) == short)
  }

  @Test("Of any other User-Agent the printable part is kept, bounded, without the hot state's separator")
  func others() {
    #expect(ShortAgent.text("my | own\u{7}agent") == "my  ownagent")
    #expect(ShortAgent.text("\u{1F600}") == nil && ShortAgent.text("") == nil)
    #expect(ShortAgent.text(String(repeating: "x", count: 500))?.utf8.count == ShortAgent.bytesMax)
    #expect(ShortAgent.text("/1 Mozilla/ a//1 /") == "/1 Mozilla/ a//1 /")
  }
}

@Suite("The choice of a media type")
struct MediaChoiceTests {
  @Test(
    "A media type is chosen by weight, then by how closely a range names it, then by the offer's order",
    arguments: [
      (nil, "j"), ("*/*", "j"), ("a/*", "j"), ("t/csv", "c"), ("t/*", "c"), ("a/j;q=0.5, t/csv", "c"), ("t/csv, */*", "c"),
      ("a/j, t/csv", "j"),
      ("a/j;q=0, */*", "c"), ("T/CSV ; Q=0.9, a/j;q=0.8", "c"), ("image/png", nil), ("", "j"), ("a/j;q=0", nil), ("a/j;q=x", nil),
      (",;,", nil),
    ] as [(String?, String?)])
  func best(_ accept: String?, _ wanted: String?) {
    #expect(MediaChoice.best(accept, offered: ["a/j", "t/csv"]).map { $0 == "a/j" ? "j" : "c" } == wanted)
  }
}
