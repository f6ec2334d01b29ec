import CYaml

/// Looks for aliases before a text is composed: nested ones stand for more values than any memory holds.
enum YAMLAliases {
  /// The line of the first alias, from 1. nil if there is none before the text ends or is no YAML, which composing it tells better.
  static func firstLine(in text: String) -> Int? {
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else { return nil }
    defer { yaml_parser_delete(&parser) }
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { bytes in
      yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
      while true {
        var event = yaml_event_t()
        guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
        defer { yaml_event_delete(&event) }
        switch event.type {
        case YAML_ALIAS_EVENT: return Int(event.start_mark.line) + 1
        case YAML_STREAM_END_EVENT: return nil
        default: continue
        }
      }
    }
  }
}
