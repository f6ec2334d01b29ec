/// The whole default configuration as `gatehouse config init` prints it. It is also what a process runs on: every setting that
/// neither the environment nor the configuration file names is read from here.
enum DefaultFile {
  static let name = "gatehouse.yaml"

  static let text = """
    # Gatehouse's configuration. Every key is here with its default: keep the lines that you change and drop the rest.
    #
    # The file is the one that --config or GATEHOUSE_CONFIG names, else gatehouse.yaml in the working directory, else none.
    # An environment variable wins over the file: GATEHOUSE_ and the key, as GATEHOUSE_HTTP_PORT for http.port; lists with commas.
    # Durations are a whole number and s, m, h or d. `gatehouse config check` says what is wrong with a file.
    # SIGHUP reads all of it again. Keys marked (restart) keep their value until the process restarts.

    # The folder of the secret, the ledger, Redis's files and the ops sockets; from the working directory if relative. (restart)
    data: data
    # API processes that share the limits. While Redis is away each allows its share: max(1, limit / processes). (restart)
    processes: 1

    ledger:
      # Memory in MiB that each process keeps of the ledger's file, 4 to 65536: half for the connection that writes, half for those that
      # read. Writes are cheapest while the indexes' part that is in use fits into the writer's half. (restart)
      cache_mib: 32

    log:
      # trace, debug, info, notice, warning, error or critical. A line for each refusal, with its request id, is at info; of a flood
      # the first 2,000 and then 200 a second, with the number of the others.
      level: info

    http:
      # The public listener; port 0 takes any free one. (restart)
      host: 127.0.0.1
      port: 8080
      # The ops listener; its admin routes need a service key with scope admin. (restart)
      ops_host: 127.0.0.1
      ops_port: 9080
      # Connections at once on the public listener, 1 to 1000000, fewer where the system allows the process too few files; more wait
      # to be accepted. (restart)
      connections_max: 20000
      # Connections at once of one client, 0 to 1000000, 0 for any number: an IPv4 address or the /64 of IPv6; a /48 has four times as many.
      # One too many is closed at once. The peers of trusted_proxies have no bound, since they bring everybody's.
      connections_per_address: 500
      # How long running requests may take after SIGTERM before they are cut off, 1s to 5m. (restart)
      drain: 10s

    # The address that users see, as https://app.example.com, if a proxy stands in front. Its origin may use the cookie.
    public_url: ""
    # Peers whose X-Forwarded-For is believed, as addresses or ranges. Connections over a Unix socket always are. A client that one of
    # them names in no readable form has no address: limits by address do not count it, and the log says so.
    trusted_proxies: [127.0.0.0/8, "::1"]
    # Other origins that may read answers and use the cookie, as https://app.example.com.
    allowed_origins: []

    cookie:
      # false only for trying things out: the public listener and public_url must then be on loopback. The cookie is then called
      # gatehouse, since browsers keep __Host-gatehouse only with Secure.
      secure: true

    signup:
      # public: anybody may sign up. backend: only with a service key of scope accounts.
      mode: public
      # Whether a sign-up without a key says that an address has an account. tell: 409, and anybody can find out who has one. hide: 202 for
      # every address; the new account logs in once its address is verified, and the events feed says whom to mail what.
      enumeration: tell

    login:
      # No answer to a login leaves before the dearest password hash of the ledger could have been verified, so that its time says
      # nothing of the account. auto: as long as that takes on this machine, measured at start and from then on; the log says how long.
      # A number of milliseconds, 0 to 5000, is a minimum beside that.
      floor_ms: auto

    password:
      # Characters of a new password, 8 to 64.
      min_length: 8
      # The cost of Argon2id: memory 8 to 1048576 KiB, passes 1 to 64. Older hashes are made anew at the next login.
      argon_memory_kib: 19456
      argon_passes: 2

    mail:
      # How long the token of a mailed link is good, 1s to 1h.
      token_lifetime: 1h

    # A session ends when it was idle for so long, and at the latest after its absolute time. 1s to 3650d.
    sessions:
      web:
        idle: 24h
        absolute: 7d
      remember:
        idle: 14d
        absolute: 30d
      mobile:
        idle: 30d
        absolute: 90d

    # Metrics: units are counted by day or by month in the user's time zone. A section is a metric, as below one is a plan, a policy, a
    # profile: a file adds its own. A list `names` in place of the defaults leaves out those that it lacks.
    metrics:
      video_analysis:
        period: day

    # The first plan is that of new users, and of users whose plan has ended or is not here any more: `names` gives the order.
    plans:
      names: [free, pro, coach]
      free:
        # Sessions of one user, 1 to 100; beyond it the least recently seen ends.
        sessions_max: 10
        # Units a period of each metric, 0 to 1000000000 or unlimited; a metric that is missing is not given.
        allowances:
          video_analysis: 1
      pro:
        sessions_max: 25
        allowances:
          video_analysis: unlimited
      coach:
        sessions_max: 25
        allowances:
          video_analysis: unlimited

    # Rate limits: at most `limit` units in any `window`. A unit returns between window and window * (1 + 1/cells).
    # by: user, plan (each user, by their plan), ip (address, or /64 of IPv6) or subject (any text that the caller names).
    # shadow: true counts and never refuses. limit_by_plan overrides limit for the plans in it, where by is user or plan.
    # limit 1 to 1000000000, window 1s to 31d, cells 1 to 1000 (60 if left out), shadow false if left out.
    policies:
      # The gate's default, and one unit for each call on the session routes.
      api:
        by: user
        limit: 60
        limit_by_plan:
          pro: 600
          coach: 600
        window: 60s
        cells: 60
        shadow: false
      # For uploads, when the gate is asked for it.
      upload:
        by: user
        limit: 10
        limit_by_plan:
          pro: 100
          coach: 100
        window: 1h
        cells: 60
        shadow: false
      # The six below are Gatehouse's own: they can be changed here, and no service key or profile may name them.
      # Attempts with a password: of one account from one network, of one account, of one network.
      login_pair:
        by: subject
        limit: 10
        window: 15m
        cells: 250
        shadow: false
      login_account:
        by: subject
        limit: 100
        window: 1h
        cells: 250
        shadow: false
      login_network:
        by: ip
        limit: 60
        window: 15m
        cells: 250
        shadow: false
      # Sign-ups of one network without a service key.
      signup_network:
        by: ip
        limit: 10
        window: 1h
        cells: 60
        shadow: false
      # Mails about one account: password resets and email verifications, and apart from them sign-ups that are not told.
      mail_account:
        by: subject
        limit: 3
        window: 1h
        cells: 60
        shadow: false
      # A user's requests for another address.
      email_change:
        by: subject
        limit: 10
        window: 1h
        cells: 60
        shadow: false

    # Profiles: a proxy asks for one at /v1/auth/{profile}, and each call costs one unit of every policy named (by user, plan or ip).
    profiles:
      api:
        policies: [api]
        # The plans that may pass; none named is all.
        plans: []
        # How recently the password must have been entered: any, or a duration.
        authenticated_within: any
        email_verified: false

    # How long rows are kept that no decision needs, 1d to 36500d or forever.
    retention:
      usage_events: forever
      audit: 400d
      # After their end; their units stay counted and their analyses stay.
      reservations: 90d
      # The feed at /v1/events: what a backend has not read by then is not told any more.
      events: 30d

    """
}
