import GatehouseCore
import StrictJSON

extension FieldReader {
  /// A required user's id; nil only together with a fault.
  mutating func userID(_ name: String) -> UserID? {
    guard let value = required(name) else { return nil }
    if case .string(let text) = value, let id = UserID(text) { return id }
    refuse(name, code: "not_an_id", "Send a user's id such as usr_4tq9m2kd7xw1hb.")
    return nil
  }
}
