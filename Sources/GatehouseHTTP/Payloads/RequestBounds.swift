import GatehouseCore

/// The bounds of what a request may hold: texts in code points unless a name says bytes, amounts, and times in the unit of the name.
enum RequestBounds {
  // Accounts
  static let passwordScalarsMax = 4_096
  static let emailTextMax = 320
  static let nameMax = 200
  static let zoneMax = 64
  static let externalIDMax = 255
  static let reasonMax = 500
  static let mailTokenMax = 4_096
  // Sessions
  static let deviceMax = 100
  // The gate
  static let batchMax = 1_000
  static let tokenMax = 4_096
  static let addressMax = 64
  static let userAgentMax = 1_024
  static let chargesMax = 16
  static let withinSecondsMax = 31_536_000
  static let subjectMax = 512
  // Analyses, reservations and usage
  static let filenameMax = 255
  static let metadataBytesMax = 8_192
  static let resultBytesMax = 65_536
  static let errorBytesMax = 8_192
  static let amountMax = 1_000_000
  static let leaseSeconds = 1...Int(Day.seconds)
  static let leaseSecondsDefault = 1_800
  static let historyDaysMax: Int64 = 400
}
