import Testing

@testable import GatehouseLedger

@Suite("Answers that are stored without their job's metadata")
struct CutAnswerTests {
  private static let metadata = #"{"note":"\#(String(repeating: "x", count: CutAnswer.metadataBytesMin))"}"#

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test("Metadata that is cut out is put back byte for byte; once the job is deleted the answer is whole without it")
  func roundTrip() {
    let answer = bytes(#"{"id":"ana_1","metadata":\#(Self.metadata),"metric":"scan"}"#)
    let cut = CutAnswer(answer, without: Self.metadata)
    #expect(cut.body == bytes(#"{"id":"ana_1","metadata":{},"metric":"scan"}"#) && cut.cutAt != nil)
    #expect(CutAnswer.whole(cut.body, cutAt: cut.cutAt, metadata: Self.metadata) == answer)
    #expect(CutAnswer.whole(cut.body, cutAt: cut.cutAt, metadata: nil) == cut.body)
  }

  @Test("Metadata is put where a placeholder stands and nowhere else", arguments: [-1, 0, 8, 24, 26, 27, 43, 44, 45, Int.min, Int.max])
  func elsewhere(cutAt: Int) {
    let stored = bytes(#"{"id":"ana_1","metadata":{},"metric":"scan"}"#)
    #expect(stored.count == 44)
    #expect(CutAnswer.whole(stored, cutAt: cutAt, metadata: Self.metadata) == stored)
  }
}
