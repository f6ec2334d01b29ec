import Testing

@testable import GatehouseCrypto

/// The bounds of memory that kill, read from files as kernels and containers show them.
@Suite struct ControlGroupsTests {
  private static let unlimited = "9223372036854771712\n"
  private static let v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let v1 = """
    31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
    34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
    35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory

    """
  private static let hybrid = v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

  private func bound(_ files: [String: String]) -> Int? { ControlGroups { files[$0] }.memoryBytesMax() }

  private func bound(_ mounts: String, _ groups: String, _ files: [String: String]) -> Int? {
    bound(files.merging(["/proc/self/mountinfo": mounts, "/proc/self/cgroup": groups]) { $1 })
  }

  @Test("The least bound counts, of the group itself and of each above it")
  func parents() {
    let place = "/sys/fs/cgroup"
    let all = ["": "900", "/a.slice": "700", "/a.slice/b": "800", "/a.slice/b/c d": "750", "/a.slice/other": "1"]
    func files(_ without: Set<String> = []) -> [String: String] {
      Dictionary(uniqueKeysWithValues: all.map { (place + $0.key + "/memory.max", without.contains($0.key) ? "max\n" : $0.value + "\n") })
    }
    let groups = "1:name=systemd:/x\n0::/a.slice/b/c d\n"
    #expect(bound(Self.v2, groups, files()) == 700)
    #expect(bound(Self.v2, groups, files(["/a.slice"])) == 750)
    #expect(bound(Self.v2, groups, files(["/a.slice", "/a.slice/b/c d"])) == 800)
    #expect(bound(Self.v2, groups, files(["/a.slice", "/a.slice/b/c d", "/a.slice/b"])) == 900)
    #expect(bound(Self.v2, groups, files(Set(all.keys))) == nil)
    #expect(bound(Self.v2, "0::/\n", files()) == 900)
  }

  @Test("The first version is read at the process's own group, wherever its hierarchy is mounted and whatever else is in it")
  func first() {
    let place = "/sys/fs/cgroup/memory"
    let files = [
      place + "/memory.limit_in_bytes": Self.unlimited, place + "/jobs/memory.limit_in_bytes": "400\n",
      place + "/jobs/api/memory.limit_in_bytes": "500\n", "/sys/fs/cgroup/cpuset/memory.limit_in_bytes": "1",
    ]
    for mounts in [Self.v1, Self.hybrid] {
      #expect(bound(mounts, "5:cpuset:/jobs\n4:memory:/jobs/api\n0::/\n", files) == 400)
      #expect(bound(mounts, "4:cpu,memory,hugetlb:/jobs/api\n", files) == 400)
      #expect(bound(mounts, "4:memory:/\n0::/jobs/api\n", files) == 9_223_372_036_854_771_712)
    }
    let both = files.merging(["/sys/fs/cgroup/unified/svc/memory.max": "300"]) { $1 }
    #expect(bound(Self.hybrid, "4:memory:/jobs/api\n0::/svc\n", both) == 300)
    let moved = "35 31 0:32 / /mnt/my\\040groups rw master:3 shared:7 - cgroup none rw,hugetlb,memory\n"
    #expect(bound(moved, "4:memory:/jobs\n", ["/mnt/my groups/jobs/memory.limit_in_bytes": "200"]) == 200)
  }

  @Test(
    "In a container the mount itself is the group, whatever name the kernel gives it",
    arguments: ["/docker/4f2a", "/", "/../4f2a", "/elsewhere"])
  func container(_ group: String) {
    let mounts = "30 23 0:26 /docker/4f2a /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let files = ["/sys/fs/cgroup/memory.max": "600", "/sys/fs/cgroup/docker/4f2a/memory.max": "1", "/sys/fs/cgroup/4f2a/memory.max": "1"]
    #expect(bound(mounts, "0::\(group)\n", files) == 600)
    let inner = files.merging(["/sys/fs/cgroup/init/memory.max": "500"]) { $1 }
    #expect(bound(mounts, "0::/docker/4f2a/init\n", inner) == 500)
  }

  @Test("Without the files that say where, the usual places are looked at; without any there is no bound")
  func usual() {
    #expect(bound(["/sys/fs/cgroup/memory.max": "600"]) == 600)
    #expect(bound(["/sys/fs/cgroup/memory/memory.limit_in_bytes": "500\n"]) == 500)
    #expect(bound(["/proc/self/mountinfo": "garbage\n - \n", "/proc/self/cgroup": "::\n\n0\n", "/sys/fs/cgroup/memory.max": "x"]) == nil)
    #expect(bound([:]) == nil)
  }

  @Test("Hashes have the memory that is left when their turn comes, and give it back")
  func turns() throws {
    let free = HashMemory.spareBytes + 100 << 20
    let memory = HashMemory { free }
    #expect(memory.mayHold(100 << 20) && !memory.mayHold(100 << 20 + 1))
    func take(_ bytes: Int, _ inside: () -> Void = {}) -> Bool {
      do throws(PasswordHash.NoMemory) { try memory.during(bytes) { inside() } } catch { return false }
      return true
    }
    for _ in 0..<3 {
      let isTaken = take(60 << 20) {
        #expect(take(40 << 20) && !take(41 << 20))
        #expect(take(HashMemory.smallBytes - 1), "a small one is not counted")
      }
      #expect(isTaken)
    }
    #expect(!take(101 << 20) && take(100 << 20))
    // The bound is asked each time: it may be lowered while the service runs.
    #expect(throws: PasswordHash.NoMemory.self) { try HashMemory { 0 }.during(1 << 20) { () throws(PasswordHash.NoMemory) in } }
  }
}
