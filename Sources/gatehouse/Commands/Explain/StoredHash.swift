import RedisClient

/// A key as Redis holds it.
struct StoredHash {
  let type: String
  /// nil: it never ends.
  let timeToLiveMilliseconds: Int64?
  /// Redis TIME.
  let now: Int64
  /// In the order of Redis.
  let fields: [(name: String, value: [UInt8])]

  /// nil if there is no such key.
  static func read(_ key: String, _ client: RedisClient) async throws -> StoredHash? {
    let connection = client.any()
    let time = try await connection.send(["TIME"]).elements ?? []
    let type = try await connection.send(["TYPE", key]).text ?? "none"
    let left = try await connection.send(["PTTL", key]).integerValue ?? -2
    guard type != "none", left != -2, time.count == 2, let seconds = time[0].integerValue, let micros = time[1].integerValue else {
      return nil
    }
    let flat = type == "hash" ? try await connection.send(["HGETALL", key]).elements ?? [] : []
    let fields = stride(from: 0, to: flat.count - 1, by: 2).map { at in (flat[at].text ?? "", flat[at + 1].byteValues ?? []) }
    return StoredHash(
      type: type, timeToLiveMilliseconds: left < 0 ? nil : left, now: seconds * 1000 + micros / 1000,
      fields: fields.map { (name: $0.0, value: $0.1) })
  }
}
