import RedisClient
import Testing

@Suite("Fields of an answer to INFO")
struct InformationTests {
  private func reply(_ text: String) -> RedisReply { .bytes(Array(text.utf8)) }

  @Test("A field is found by its whole name, whatever line ends there are, and a value may hold a colon or be empty")
  func fields() {
    let answer = reply("# Replication\r\nrole:master\r\nmaster_replid2:0\r\nmaster_replid:a:b\nempty:\r\nlast:1")
    #expect(answer.information("role") == "master" && answer.information("master_replid") == "a:b")
    #expect(answer.information("empty") == "" && answer.information("last") == "1")
    #expect(answer.information("master") == nil && answer.information("ole") == nil && answer.information("# Replication") == nil)
  }

  @Test("An answer that is no text has none", arguments: [.null, .integer(1), .array([])] as [RedisReply])
  func others(_ reply: RedisReply) { #expect(reply.information("role") == nil) }
}
