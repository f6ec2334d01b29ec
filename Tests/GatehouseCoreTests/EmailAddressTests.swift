import GatehouseCore
import Testing

@Suite("Addresses") struct EmailAddressTests {
  @Test(
    "Spellings of one address have one canonical form",
    arguments: [
      [
        "mia@bücher.example", "Mia@BÜCHER.Example", "mia@xn--bcher-kva.example", "MIA@XN--BCHER-KVA.EXAMPLE",
        " mia@bu\u{308}cher.example\n",
      ],
      ["οδος@example.com", "οδοσ@example.com", "ΟΔΟΣ@EXAMPLE.COM"],
      ["mia@example.com", "mia@ｅｘａｍｐｌｅ.com", "mia@example。com", "Mia@Example.Com"],
      ["jose\u{301}@example.com", "josé@example.com", "JOSÉ@example.com"],
      ["\u{1F0}@example.com", "J\u{30C}@example.com"], ["straße@example.com", "STRASSE@example.com", "STRAẞE@example.com"],
      ["\u{1F80}@example.com", "\u{1F88}@example.com"], ["ꭰ@example.com", "Ꭰ@example.com"],
      ["k@example.com", "\u{212A}@example.com"], ["μ@example.com", "µ@example.com"],
      ["mia@ЁЛКА.рф", "mia@ёлка.РФ", "mia@xn--80atc1g.xn--p1ai"],
    ])
  func one(spellings: [String]) {
    let forms = Set(spellings.map { EmailAddress($0)?.canonical })
    #expect(forms.count == 1 && !forms.contains(nil), "\(forms)")
    for form in forms.compactMap(\.self) { #expect(EmailAddress(form)?.canonical == form, "a canonical form is its own") }
  }

  @Test("Other addresses stay others: of hosts that IDNA tells apart, of names that are not the same word in another case")
  func others() {
    let all = [
      "mia@straße.example", "mia@strasse.example", "mia@bücher.example", "mia@bucher.example", "mia@xn--bcher-kvb.example",
      "miá@example.com",
      "mia@example.com", "ｍia@example.com", "ı@example.com", "i@example.com", "m.ia@example.com",
    ]
    #expect(Set(all.compactMap { EmailAddress($0)?.canonical }).count == all.count)
  }

  @Test(
    "A text that is no address, or has a host that no mail reaches, is refused",
    arguments: [
      "", "mia", "mia@", "@example.com", "mia@@example.com", "mia@example", "mia@.com", "mia@example..com", "mia@-a.example",
      "mia@a-.example",
      "m ia@example.com", "mia@exam\u{200B}ple.com", "mia\u{7}@example.com", "mia@a\u{200D}b.example", "mia@x\u{FF20}example.com",
      "mia@x\u{FF1C}y.example", "mia@❤.example", "mia@\u{FE12}.example", "mia@\u{3002}\u{3002}bücher.example",
      "mia@\(String(repeating: "ü", count: 63)).example",
    ])
  func refused(text: String) {
    #expect(EmailAddress(text) == nil)
    #expect(EmailAddress.Forms(text).canonical == EmailAddress.Forms(text).older, "a text that is no address stands for itself")
  }

  @Test("A host in ASCII is taken as it is, with hyphens where they please and A-labels of any meaning")
  func ascii() {
    for (text, canonical) in [
      ("mia@R3---sn-4g5.Example", "mia@r3---sn-4g5.example"), ("mia@xn--i-7iq.ws", "mia@xn--i-7iq.ws"),
      ("mia@a_b.example", "mia@a_b.example"), ("mia@[192.0.2.1]", nil),
    ] { #expect(EmailAddress(text)?.canonical == canonical) }
  }

  @Test("A search finds what begins so, however it is spelled")
  func search() {
    func finds(_ text: String, _ email: String) -> Bool {
      let search = AddressSearch(text)
      return EmailAddress.Forms(email).canonical.hasPrefix(search.canonicalStart) && search.isMatch(email)
    }
    for text in ["M", "mia@", "Mia@BÜ", "mia@bücher.ex", "mia@xn--bcher-kva.example", "mia@Bücher.Example"] {
      #expect(finds(text, "mia@bücher.example"), "\(text)")
    }
    #expect(!finds("mia@bü", "mia@example.com") && !finds("mia@bä", "mia@bücher.example"))
    #expect(finds("ΟΔΟΣ", "οδος@example.com"))
  }
}
