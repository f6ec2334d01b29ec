import CIdn2

/// The form of a domain name that is sent to the DNS: lower-case ASCII, each label of other characters as its A-label (`xn--…`), by
/// IDNA 2008 after the mapping of UTS 46, non-transitional. Nil for a name that has no such form.
///
/// A name in ASCII is taken as it is: whether its A-labels mean anything is not looked at.
public func asciiDomain(_ name: Substring) -> String? {
  guard !name.utf8.allSatisfy({ $0 < 0x80 }) else { return name.lowercased() }
  guard !name.utf8.contains(0) else { return nil }
  var output: UnsafeMutablePointer<CChar>?
  let result = String(name).withCString { gatehouse_domain_to_ascii($0, &output) }
  defer { if let output { idn2_free(output) } }
  guard result == 0, let output else { return nil }
  let domain = String(cString: output)
  // Full-width forms of "@" and the like are mapped to what no host's name has.
  let isHost = domain.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
  }
  return isHost ? domain : nil
}
