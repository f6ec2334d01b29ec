import HTTPTypes
import NIOCore
import NIOHTTP1

/// Writes an answer as the bytes that Hummingbird makes of it: what the channel answers itself differs in nothing from a route's answer.
struct AnswerBytes {
  private static let everyAnswer = SecurityHeaders.fields.reduce(into: [UInt8]()) { block, field in
    block += "\(field.name.rawName): \(field.value)\r\n".utf8
  }
  private static let allowed = Array("HTTP/1.1 200 OK\r\n".utf8)

  /// Room for the heads of most answers.
  private static let headBytes = 768

  /// The head so far.
  private var bytes: [UInt8] = []

  init(status: Int) {
    bytes.reserveCapacity(Self.headBytes)
    if status == 200 {
      bytes.append(contentsOf: Self.allowed)
    } else {
      put("HTTP/1.1 \(status) \(HTTPResponseStatus(statusCode: status).reasonPhrase)")
      end()
    }
  }

  mutating func field(_ name: String, _ value: String) {
    begin(name)
    put(value)
    end()
  }

  /// Writes a field whose value is any text, as `HeaderText` spells it.
  mutating func field(_ name: String, encoding value: String) {
    begin(name)
    HeaderText.encode(value, into: &bytes)
    end()
  }

  mutating func fields(_ fields: HTTPFields) { for item in fields { field(item.name.rawName, item.value) } }

  /// Ends the answer with the fields of every answer, and its body.
  consuming func ended(body: [UInt8], requestID: String, origin: String?, _ crossOrigin: CrossOrigin) -> FastAnswer {
    field("Content-Length", String(body.count))
    if crossOrigin.isOn {
      var marks = HTTPFields()
      crossOrigin.mark(&marks, origin: origin)
      fields(marks)
    }
    bytes.append(contentsOf: Self.everyAnswer)
    field(RequestID.header, requestID)
    HTTPDate.appendLine(to: &bytes)
    let headBytes = bytes.count
    end()
    var whole = ByteBuffer()
    whole.reserveCapacity(bytes.count + body.count)
    whole.writeBytes(bytes)
    whole.writeBytes(body)
    return FastAnswer(bytes: whole, headBytes: headBytes)
  }

  private mutating func begin(_ name: String) {
    put(name)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(UInt8(ascii: " "))
  }

  private mutating func end() {
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }
}

extension Answer {
  /// The answer as bytes, with the fields of every answer. Only for bodies that are whole.
  func encoded(requestID: String, origin: String?, _ crossOrigin: CrossOrigin) -> FastAnswer {
    let body = if case .bytes(let bytes) = body { bytes } else { [UInt8]() }
    var bytes = AnswerBytes(status: status)
    bytes.fields(fields)
    return bytes.ended(body: body, requestID: requestID, origin: origin, crossOrigin)
  }
}

/// An answer as its bytes.
struct FastAnswer: Sendable {
  let bytes: ByteBuffer
  /// Without the empty line.
  let headBytes: Int

  /// The answer with a field that says that the connection ends.
  var closing: ByteBuffer {
    let field = "Connection: close\r\n"
    var closing = ByteBuffer()
    closing.reserveCapacity(bytes.readableBytes + field.utf8.count)
    if let head = bytes.getSlice(at: bytes.readerIndex, length: headBytes) { closing.writeImmutableBuffer(head) }
    closing.writeString(field)
    if let rest = bytes.getSlice(at: bytes.readerIndex + headBytes, length: bytes.readableBytes - headBytes) {
      closing.writeImmutableBuffer(rest)
    }
    return closing
  }
}
