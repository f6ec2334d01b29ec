import COpenSSL
import Synchronization

/// A key of HMAC-SHA256. Copies share it, and any thread may use it.
public struct MacKey: Sendable {
  private let contexts: MacContexts

  /// A key of any length; 32 random bytes are right.
  public init(_ bytes: [UInt8]) { contexts = MacContexts(key: bytes) }

  /// The 32 bytes that authenticate `message`.
  public func hmac(_ message: [UInt8]) -> [UInt8] { message.withUnsafeBytes { contexts.compute($0) } }

  /// The first eight bytes of what authenticates `message`, as a big-endian number.
  func shortHMAC(_ message: UnsafeRawBufferPointer) -> UInt64 { contexts.compute(message).prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// Contexts that hold the expanded key: starting one anew costs a fifth of building it from the key's bytes.
///
/// Invariant of `@unchecked Sendable`: `template` is only ever read (duplicated); every other context is either in `idle`, under its lock, or in
/// the hands of the one call that took it out.
private final class MacContexts: @unchecked Sendable {
  /// Contexts kept for reuse; more are made and freed when more threads than this compute at once.
  private static let idleMax = 16

  private let template: OpaquePointer
  private let idle = Mutex<[Context]>([])

  /// Invariant: one holder at a time, as above.
  private struct Context: @unchecked Sendable { let pointer: OpaquePointer }

  init(key: [UInt8]) {
    guard let context = EVP_MAC_CTX_new(Algorithms.shared.hmac) else { fatalError("OpenSSL has no memory for an HMAC context.") }
    // OpenSSL takes a nil key for "keep the one that is set", so an empty key goes in as one zero byte: HMAC pads with zeros anyway.
    let key = key.isEmpty ? [0] : key
    var name = Array("SHA256".utf8CString)
    let started = name.withUnsafeMutableBufferPointer { name in
      let parameters = [OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0), OSSL_PARAM_construct_end()]
      return EVP_MAC_init(context, key, key.count, parameters)
    }
    guard started == 1 else { fatalError("OpenSSL refuses to key HMAC-SHA256.") }
    template = context
  }

  deinit {
    EVP_MAC_CTX_free(template)
    for context in idle.withLock({ $0 }) { EVP_MAC_CTX_free(context.pointer) }
  }

  func compute(_ message: UnsafeRawBufferPointer) -> [UInt8] {
    let context = idle.withLock { $0.popLast() } ?? duplicate()
    defer { giveBack(context) }
    var mac = [UInt8](repeating: 0, count: Digest256.byteCount)
    var written = 0
    let bytes = message.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard EVP_MAC_init(context.pointer, nil, 0, nil) == 1, EVP_MAC_update(context.pointer, bytes, message.count) == 1,
      EVP_MAC_final(context.pointer, &mac, &written, mac.count) == 1, written == mac.count
    else { fatalError("OpenSSL refuses to compute HMAC-SHA256.") }
    return mac
  }

  private func duplicate() -> Context {
    guard let pointer = EVP_MAC_CTX_dup(template) else { fatalError("OpenSSL has no memory for an HMAC context.") }
    return Context(pointer: pointer)
  }

  private func giveBack(_ context: Context) {
    let kept = idle.withLock { idle in
      guard idle.count < Self.idleMax else { return false }
      idle.append(context)
      return true
    }
    if !kept { EVP_MAC_CTX_free(context.pointer) }
  }
}

/// Whether `checksum` spells `number` in base 62, in a time that depends on nothing but its length.
func spells(_ checksum: UnsafeRawBufferPointer, _ number: UInt64) -> Bool {
  var difference: UInt8 = 0
  var rest = number
  for byte in checksum.reversed() {
    difference |= byte ^ Base62.character(rest % 62)
    rest /= 62
  }
  return difference == 0
}

/// Whether two byte strings are equal, in a time that depends on nothing but their lengths.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && (a.isEmpty || CRYPTO_memcmp(a, b, a.count) == 0)
}

/// Whether two byte strings are equal, in a time that depends on nothing but their lengths.
public func constantTimeEquals(_ a: [UInt8], _ b: UnsafeRawBufferPointer) -> Bool {
  guard let bytes = b.baseAddress else { return a.isEmpty }
  return a.count == b.count && CRYPTO_memcmp(a, bytes, a.count) == 0
}
