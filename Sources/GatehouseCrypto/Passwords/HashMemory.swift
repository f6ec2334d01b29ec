import Foundation

extension Argon2Parameters {
  /// The memory that the process needs beside the hashes while all threads hash.
  private static let spareBytes = 64 << 20

  /// Whether `threads` hashes at once can have their memory. The system is asked for all of it, which is given back untouched; and it must
  /// be less than the host or the process's group has, since those kill rather than refuse. Reads a few files of the system.
  public func fits(threads: Int) -> Bool {
    let (bytes, overflow) = (memoryKiB << 10).multipliedReportingOverflow(by: threads)
    guard !overflow, bytes < Int.max - Self.spareBytes, bytes <= Self.memoryBytesMax else { return false }
    let wanted = bytes + Self.spareBytes
    guard let place = mmap(nil, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), place != MAP_FAILED else {
      return false
    }
    munmap(place, wanted)
    return true
  }

  /// The memory of the host, or of the control group that the process is in.
  private static var memoryBytesMax: Int {
    let host = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    var path = groups.split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3) ?? "/"
    var files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    while true {
      files.append("/sys/fs/cgroup\(path == "/" ? "" : path)/memory.max")
      guard path != "/", let slash = path.lastIndex(of: "/") else { break }
      path = slash == path.startIndex ? "/" : path[..<slash]
    }
    let limits = files.compactMap { file in
      (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    return ([host] + limits).min() ?? host
  }
}
