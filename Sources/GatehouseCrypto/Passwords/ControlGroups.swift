/// The control groups that bound the memory of a process, of both versions, as the kernel's files tell. They kill where other bounds refuse.
struct ControlGroups: Sendable {
  /// A hierarchy of groups with bounds of memory, where it is mounted.
  private struct Mount: Sendable {
    /// The group that is seen at the mount's place.
    let root: String
    let place: String
    /// The file of a group that holds its bound.
    let file: String
    let isSecond: Bool
  }

  private let mounts: [Mount]
  private let read: @Sendable (String) -> String?

  /// - Parameter read: the text of a file; nil where there is none.
  init(read: @escaping @Sendable (String) -> String?) {
    self.read = read
    let told = (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap(Self.mount)
    mounts =
      told.isEmpty
      ? [
        Mount(root: "/", place: "/sys/fs/cgroup", file: "memory.max", isSecond: true),
        Mount(root: "/", place: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes", isSecond: false),
      ] : told
  }

  /// The least bound of the process's groups and of all above them that can be seen from here; nil without one. Read anew at each call,
  /// since bounds change and processes are moved.
  func memoryBytesMax() -> Int? {
    let lines = (read("/proc/self/cgroup") ?? "").split(separator: "\n").map { line in
      line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    }
    return mounts.flatMap { mount in
      let line = lines.first { parts in
        guard parts.count == 3 else { return false }
        return mount.isSecond ? parts[0] == "0" && parts[1].isEmpty : parts[1].split(separator: ",").contains("memory")
      }
      return files(mount, group: line.map { String($0[2]) } ?? "/")
    }.compactMap { read($0).flatMap(Self.bytes) }.min()
  }

  /// The files with the bounds of a group and of those above it.
  private func files(_ mount: Mount, group: String) -> [String] {
    var steps = group.split(separator: "/")[...]
    let root = mount.root.split(separator: "/")
    // In a container the kernel may name the group as the host sees it, or as above what is mounted: then the mount itself is the group.
    if steps.starts(with: root), !steps.contains("..") { steps = steps.dropFirst(root.count) } else { steps = [] }
    return (0...steps.count).map { count in ([mount.place] + steps.prefix(count).map(String.init) + [mount.file]).joined(separator: "/") }
  }

  /// nil for `max` and what is no number.
  private static func bytes(_ text: String) -> Int? { text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } }

  /// `36 35 98:0 /root /place options optional… - type source options`, blanks written as `\040`.
  private static func mount(_ line: Substring) -> Mount? {
    let words = line.split(separator: " ").map(String.init)
    guard let dash = words.firstIndex(of: "-"), dash > 4, dash + 3 < words.count else { return nil }
    let (root, place) = (words[3].replacing("\\040", with: " "), words[4].replacing("\\040", with: " "))
    switch words[dash + 1] {
    case "cgroup2": return Mount(root: root, place: place, file: "memory.max", isSecond: true)
    case "cgroup" where words[dash + 3].split(separator: ",").contains("memory"):
      return Mount(root: root, place: place, file: "memory.limit_in_bytes", isSecond: false)
    default: return nil
    }
  }
}
