import Glibc

/// The answer to a call that began a job, as it is stored: without the job's metadata, which is most of it and stands with the job already.
/// `{}` takes its place, so that what is stored is whole again once the job is deleted.
struct CutAnswer {
  /// Less is not worth a look at the job when the call is repeated.
  static let metadataBytesMin = 128
  private static let placeholder = Array("{}".utf8)

  let body: [UInt8]
  /// Where the placeholder stands; nil if nothing was cut.
  let cutAt: Int?

  /// Cuts `metadata` out of `body`, where it first stands in it.
  init(_ body: [UInt8], without metadata: String?) {
    let text = Array((metadata ?? "").utf8)
    guard text.count >= Self.metadataBytesMin, let start = Self.place(of: text, in: body) else {
      (self.body, cutAt) = (body, nil)
      return
    }
    self.body = body[..<start] + Self.placeholder + body[(start + text.count)...]
    cutAt = start
  }

  /// The answer as it was, byte for byte. Where no placeholder stands the row was written in another way, by hand or by an older program:
  /// the answer is what is stored.
  /// - Parameter metadata: the job's; nil once it is deleted.
  static func whole(_ body: [UInt8], cutAt: Int?, metadata: String?) -> [UInt8] {
    guard let cutAt, let metadata, cutAt >= 0, cutAt <= body.count, body[cutAt...].starts(with: placeholder) else { return body }
    return body[..<cutAt] + Array(metadata.utf8) + body[(cutAt + placeholder.count)...]
  }

  private static func place(of text: [UInt8], in body: [UInt8]) -> Int? {
    guard let first = text.first, text.count <= body.count else { return nil }
    return body.withUnsafeBytes { body in
      text.withUnsafeBytes { text in
        guard let bytes = body.baseAddress, let wanted = text.baseAddress else { return nil }
        let last = body.count - text.count
        var start = 0
        while start <= last, let next = memchr(bytes + start, Int32(first), last - start + 1) {
          start = UnsafeRawPointer(next) - bytes
          if memcmp(next, wanted, text.count) == 0 { return start }
          start += 1
        }
        return nil
      }
    }
  }
}
