import RedisClient

/// The seven scripts. They begin with the times that `HotSpans` says and `errors.lua`; `user.lua` is a prelude of those that read a user's hash, `window.lua` of those that touch rate windows.
public enum Scripts {
  static let gate = script("gate", PackageResources.user_lua, PackageResources.window_lua, PackageResources.gate_lua)
  static let install = script("install", PackageResources.install_lua)
  static let giveBack = script("give_back", PackageResources.user_lua, PackageResources.window_lua, PackageResources.give_back_lua)
  static let limitCheck = script("limit_check", PackageResources.window_lua, PackageResources.limit_check_lua)
  static let limitGiveBack = script("limit_give_back", PackageResources.window_lua, PackageResources.limit_give_back_lua)
  static let drop = script("drop", PackageResources.drop_lua)
  static let trial = script("trial", PackageResources.trial_lua)

  /// All of them: a `RedisClient` must be built with these.
  public static let all = [gate, install, giveBack, limitCheck, limitGiveBack, drop, trial]

  private static func script(_ name: String, _ parts: [UInt8]...) -> RedisScript {
    let texts = ([PackageResources.errors_lua] + parts).map { String(decoding: $0, as: UTF8.self) }
    return RedisScript(name: name, source: HotSpans.prelude + texts.joined(separator: "\n"))
  }
}
