import StrictJSON

/// Something that happened to an account, as a backend's feed tells it. It holds no credential.
public struct FeedEvent: Sendable, Equatable {
  /// The kinds of events.
  public enum EventType: String, Sendable, CaseIterable {
    /// An account was made.
    case userCreated = "user.created"
    /// Somebody signed up with the address of this account, and was not told that it is taken.
    case signUpRepeated = "signup.repeated"
    /// The account is gone.
    case userDeleted = "user.deleted"
    /// The account was suspended.
    case userSuspended = "user.suspended"
    /// The suspension was lifted.
    case userReactivated = "user.reactivated"
    /// A pending address was verified and took the old one's place.
    case userEmailChanged = "user.email_changed"
    /// The present address was verified.
    case userEmailVerified = "user.email_verified"
    /// The user logged in.
    case sessionCreated = "session.created"
    /// A session was ended by the user, a backend or an operator; one that times out is not told.
    case sessionEnded = "session.ended"
    /// The user gave the old password and a new one.
    case passwordChanged = "password.changed"
    /// A mailed token set a new password.
    case passwordReset = "password.reset"
    /// The user is on another plan, or the plan's end moved.
    case planChanged = "plan.changed"
    /// All units of an allowance were used; told once in a period.
    case allowanceExhausted = "allowance.exhausted"
  }

  /// The place in the feed: grows in the order of the commits.
  public let number: Int64
  /// An id such as `evt_4tq9m2kd7xw1hb`.
  public let id: String
  /// An `EventType`, or one that a newer version wrote.
  public let type: String
  /// The user that the event is about, who may be gone by now.
  public let userID: UserID
  /// The app's own id as it was when the event was written.
  public let externalID: String?
  /// The instant of the change, in milliseconds since 1970 UTC; the order of the feed is that of `number`.
  public let occurredAtMilliseconds: Int64
  /// A JSON object.
  public let data: String

  /// An event as the ledger holds it; `data` must be a JSON object.
  public init(
    number: Int64, id: String, type: String, userID: UserID, externalID: String?, occurredAtMilliseconds: Int64, data: String
  ) {
    self.number = number
    self.id = id
    self.type = type
    self.userID = userID
    self.externalID = externalID
    self.occurredAtMilliseconds = occurredAtMilliseconds
    self.data = data
  }
}

extension FeedEvent {
  /// A member of an event's `data`.
  public enum Member: Sendable {
    case text(String?)
    case number(Int64)
    case flag(Bool)
  }

  /// The JSON object of these members, in their order.
  public static func data(_ members: KeyValuePairs<String, Member>) -> String {
    var writer = JSONWriter(capacity: 128)
    writer.object { writer in
      for (name, value) in members {
        writer.name(of: name)
        switch value {
        case .text(let text?): writer.string(text)
        case .text(nil): writer.null()
        case .number(let number): writer.int64(number)
        case .flag(let flag): writer.bool(flag)
        }
      }
    }
    return writer.text
  }
}
