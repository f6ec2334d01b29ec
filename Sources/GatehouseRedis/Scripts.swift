import RedisClient

/// The seven scripts. They begin with the times that `HotSpans` says; a line `-- include name` stands for the text of another file, which
/// is a part of several scripts, or of one that would be too long to read.
public enum Scripts {
  static let gate = script("gate", PackageResources.gate_lua)
  static let install = script("install", PackageResources.install_lua)
  static let giveBack = script("give_back", PackageResources.give_back_lua)
  static let limitCheck = script("limit_check", PackageResources.limit_check_lua)
  static let limitGiveBack = script("limit_give_back", PackageResources.limit_give_back_lua)
  static let drop = script("drop", PackageResources.drop_lua)
  static let trial = script("trial", PackageResources.trial_lua)

  /// All of them: a `RedisClient` must be built with these.
  public static let all = [gate, install, giveBack, limitCheck, limitGiveBack, drop, trial]

  private static let parts = [
    "closer_look": PackageResources.closer_look_lua, "window": PackageResources.window_lua, "expire": PackageResources.expire_lua,
    "errors": PackageResources.errors_lua, "refund": PackageResources.refund_lua, "quota": PackageResources.quota_lua,
    "hold": PackageResources.hold_lua,
  ]

  private static func script(_ name: String, _ text: [UInt8]) -> RedisScript {
    RedisScript(name: name, source: HotSpans.prelude + whole(text))
  }

  /// A text with its parts in place. They are pasted and not called: a function is made anew at every run of a script.
  private static func whole(_ text: [UInt8]) -> String {
    let mark = "-- include "
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let words = line.drop { $0 == " " }
      guard words.hasPrefix(mark), let part = parts[String(words.dropFirst(mark.count))] else { return String(line) }
      return whole(part)
    }
    return lines.joined(separator: "\n")
  }
}
