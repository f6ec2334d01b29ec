import GatehouseCore
import StrictJSON

// How the domain's values look in answers. A documented key is always there: null, never absent. The schema of each stands beside
// what writes it; the tests hold every answer to its schema.

extension JSONWriter {
  mutating func instant(_ name: StaticString, _ milliseconds: Int64?) {
    guard let milliseconds else { return null(name) }
    string(name, bytesMax: Instants.textLength) { Instants.write(milliseconds, to: &$0) }
  }

  mutating func list<Item>(_ items: [Item], next: String?, _ each: (inout JSONWriter, Item) -> Void) {
    object { writer in
      writer.array("data") { writer in for item in items { each(&writer, item) } }
      writer.string("next_cursor", next)
    }
  }
}

/// The JSON text that a body of the writer makes.
func json(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
  var writer = JSONWriter()
  body(&writer)
  return writer.bytes
}
