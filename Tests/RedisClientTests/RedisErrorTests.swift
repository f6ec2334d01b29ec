import Testing

@testable import RedisClient

@Suite("Redis errors")
struct RedisErrorTests {
  @Test(
    "Every prefix is a kind of its own",
    arguments: [
      ("NOSCRIPT No matching script. Please use EVAL.", .noScript),
      ("LOADING Redis is loading the dataset in memory", .loading),
      ("MISCONF Redis is configured to save RDB snapshots", .misconf),
      ("OOM command not allowed when used memory > 'maxmemory'.", .outOfMemory),
      ("READONLY You can't write against a read only replica.", .readOnly),
      ("BUSY Redis is busy running a script.", .busy),
      ("NOAUTH Authentication required.", .noAuth),
      ("WRONGPASS invalid username-password pair or user is disabled.", .wrongPassword),
      ("NOPERM this user has no permissions to run the 'set' command", .noPermission),
      ("DENIED Redis is running in protected mode", .denied),
      ("WRONGTYPE Operation against a key holding the wrong kind of value", .wrongType),
      ("ERR max number of clients reached", .maxClients),
      ("MASTERDOWN Link with MASTER is down", .masterDown),
      ("NOMASTERLINK Can't SYNC while not connected", .noMasterLink),
      ("NOREPLICAS Not enough good replicas to write.", .noReplicas),
      ("NOGOODSLAVE No suitable replica to promote", .noGoodReplica),
      ("TRYAGAIN Multiple keys request during rehashing of slot", .tryAgain),
      ("MOVED 3999 127.0.0.1:6381", .moved),
      ("ASK 3999 127.0.0.1:6381", .ask),
      ("CLUSTERDOWN The cluster is down", .clusterDown),
      ("CROSSSLOT Keys in request don't hash to the same slot", .crossSlot),
      ("EXECABORT Transaction discarded because of previous errors.", .execAbort),
      ("UNBLOCKED force unblock from blocking operation", .unblocked),
      ("NOPROTO unsupported protocol version", .noProtocol),
      ("NOTBUSY No scripts in execution right now.", .notBusy),
      ("UNKILLABLE Sorry the script already executed write commands", .unkillable),
      ("INPROG Failover already in progress", .inProgress),
      ("BUSYKEY Target key name already exists.", .busyKey),
      ("IOERR error or timeout writing to target instance", .ioError),
      ("ERR user_script:1: nonexistent global variable 'x' script: 1, on @user_script:1.", .script),
      ("ERR Error compiling script (new function): user_script:1: unexpected symbol", .script),
      ("ERR Error running script (call to f_1): @user_script:1: boom", .script),
      ("ERR The user executing the script can't run this command or subcommand script: 1, on @user_script:1.", .noPermission),
      ("ERR The user executing the script can't access at least one of the keys mentioned in the command arguments", .noPermission),
      ("ERR ACL failure in script: User gatehouse has no permissions to run the 'time' command", .noPermission),
      ("ERR unknown command 'x'", .generic), ("ERR", .generic), ("SOMETHING else", .other), ("", .other), ("loading lower case", .other),
      ("SCRIPT no prefix of Redis", .other), ("MAXCLIENTS no prefix of Redis", .other),
    ] as [(String, RedisServerError.Kind)])
  func prefixes(_ message: String, _ kind: RedisServerError.Kind) {
    #expect(RedisServerError(message: message).kind == kind)
  }

  @Test("Long messages are cut")
  func long() {
    #expect(RedisServerError(message: "ERR " + String(repeating: "x", count: 10_000)).message.utf8.count == 256)
  }
}
