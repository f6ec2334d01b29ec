/// Why a command did not do its work: a sentence that says what is wrong and what to do. The exit status is 1.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
