import HTTPTypes
import StrictJSON
import GatehouseCore

struct VerificationFields: Fields {
  let userID = Field("user_id", UserReference(), "The user whose address is to be verified.")
  static let declared = Declared(Self())
}

struct ResetFields: Fields {
  let email = Field("email", Text(1...RequestBounds.emailTextMax), "The address of the user who forgot the password.")
  static let declared = Declared(Self())
}

struct MailTokenFields: Fields {
  let token = Field("token", Text(0...RequestBounds.mailTokenMax), "The token that was mailed.")
  static let declared = Declared(Self())
}

struct NewPasswordFields: Fields {
  let token = MailTokenFields().token
  let password = Field("password", Text(0...RequestBounds.passwordScalarsMax, allowsNUL: true), "The new password.")
  static let declared = Declared(Self())
}

extension Schema {
  static let mailToSend = answer(
    Property(
      "mail",
      .answer(
        Property("to", .text, "The address to send the mail to.", example: "mia@example.com"),
        Property(
          "token", .text(pattern: "^ghm_[0-9A-Za-z]{49}$"), "The token for the link in the mail.",
          example: "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN"),
        Property("expires_at", .instant, "When the token ends.", example: "2026-11-23T15:02:51.106Z")
      ).orNull, "The mail to send; null when there is nothing to send.")
  ).named("MailToSend")
}

extension Endpoint {
  /// The sentence on how many mails there are.
  private static let mailLimit = "As many mails as policy mail_account allows: three an hour by default."
  private static let verified = Schema.user.example?.replacing("external_id", "1042").replacing("email_verified", true)
  private static let mail = Success.accepted(.mailToSend, "Taken; mail is what to send, or null for nothing.")

  static let requestVerification = Endpoint(
    .post, "/v1/email-verifications", "requestVerification", .mails, "The mail to send to verify an address",
    """
    The address is pending_email if one waits, else email. mail is null when there is nothing to verify, and for a suspended user. \
    \(mailLimit)
    """,
    access: .key(.accounts), [OnBehalf.addressParameter],
    body: .of(VerificationFields.self, example: ["user_id": "usr_4tq9m2kd7xw1hb"]), answers: [mail], problems: [.notFound, .rateLimited])

  static let completeVerification = Endpoint(
    .post, "/v1/email-verifications/complete", "completeVerification", .mails, "Verify an address",
    """
    The token is good once, until it expires, and for the address that it was mailed to. A pending address becomes the present one.
    """,
    access: .anyoneOr(.accounts), [OnBehalf.addressParameter],
    body: .of(MailTokenFields.self, example: ["token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN"]),
    answers: [.ok(.user, "Done; the account as it is now.", example: verified)], problems: [.emailTaken, .tokenSpent, .rateLimited])

  static let requestReset = Endpoint(
    .post, "/v1/password-resets", "requestReset", .mails, "The mail to send to reset a password",
    "mail is null, after the same time, for an address without an account and for a suspended one. \(mailLimit)",
    access: .key(.accounts), [OnBehalf.addressParameter], body: .of(ResetFields.self, example: ["email": "mia@example.com"]),
    answers: [mail], problems: [.rateLimited])

  static let completeReset = Endpoint(
    .post, "/v1/password-resets/complete", "completeReset", .mails, "Set a new password",
    """
    Ends every session, verifies the address, drops a pending one and every other mailed token. Nobody is logged in by it. A password \
    that is refused leaves the token good.
    """,
    access: .anyoneOr(.accounts), [OnBehalf.addressParameter],
    body: .of(
      NewPasswordFields.self,
      example: ["token": "ghm_NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNN", "password": "a brand new passphrase"]),
    answers: [.ok(.user, "Done; the account as it is now.", example: verified)], problems: [.tokenSpent, .rateLimited])
}

extension RouteTable {
  static var mails: [Route] {
    [
      Route(.requestVerification) { try await $0.requestVerification($1, $2) },
      Route(.completeVerification) { try await $0.completeVerification($1, $2) },
      Route(.requestReset) { try await $0.requestReset($1, $2) },
      Route(.completeReset) { try await $0.completeReset($1, $2) },
    ]
  }
}
