/// The whole schema of version 2, as files of that version were made from it.
let schemaOfVersion2 = """
  -- The ledger of Gatehouse: the truth. Instants are milliseconds since 1970 UTC, ids are texts such as usr_4tq9m2kd7xw1hb,
  -- secrets are stored as SHA-256 digests or password hashes. This file is the whole schema of its version (PRAGMA user_version).

  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    external_id TEXT UNIQUE,                 -- the app's own id
    email TEXT NOT NULL,                     -- as it was given
    canonical_email TEXT UNIQUE,             -- trimmed, NFC, lower case; NULL once deleted, so that the address is free
    email_verified INTEGER NOT NULL DEFAULT 0,
    pending_email TEXT,
    name TEXT,
    time_zone TEXT NOT NULL,
    zone_open_start INTEGER,                 -- after a change of zone: start of the period that was open,
    zone_floor INTEGER,                      -- and the end that it had; see Period
    zone_month_start INTEGER,                -- the same of the month
    zone_month_floor INTEGER,
    plan TEXT NOT NULL,
    plan_ends_at INTEGER,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    suspended_reason TEXT,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER
  ) STRICT;
  CREATE INDEX users_by_creation ON users (created_at, id);
  CREATE INDEX users_deleted ON users (id) WHERE status = 'deleted';

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    class TEXT NOT NULL,
    transport TEXT NOT NULL,
    device TEXT,
    user_agent TEXT,
    ip TEXT,
    created_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,             -- the absolute end
    token_hash BLOB NOT NULL UNIQUE,
    successor_hash BLOB UNIQUE,              -- a rotated token that has not been used yet,
    successor_nonce BLOB,                    -- with what derives it from the old secret:
    successor_key TEXT,                      -- nothing live is stored
    previous_hash BLOB UNIQUE,               -- the token before the current one, for its grace
    previous_ends_at INTEGER,
    ended_at INTEGER,                        -- ended sessions stay a day, so that their tokens are known to be dead
    password_failures INTEGER NOT NULL DEFAULT 0  -- wrong passwords in a row
  ) STRICT;
  CREATE INDEX sessions_live ON sessions (user_id, seen_at) WHERE ended_at IS NULL;
  CREATE INDEX sessions_of_user ON sessions (user_id);
  CREATE INDEX sessions_by_end ON sessions (expires_at);
  CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

  CREATE TABLE reservations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    metric TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    committed INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL CHECK (status IN ('held', 'committed', 'released', 'expired')),
    period_start INTEGER NOT NULL,           -- a commit counts here, whenever it comes
    period_end INTEGER NOT NULL,
    lease_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  ) STRICT;
  CREATE INDEX reservations_held ON reservations (user_id, metric, period_start) WHERE status = 'held';
  CREATE INDEX reservations_by_lease ON reservations (lease_expires_at) WHERE status = 'held';
  CREATE INDEX reservations_of_user ON reservations (user_id);
  CREATE INDEX reservations_finished ON reservations (finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE analyses (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    reservation_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    filename TEXT,
    metadata TEXT NOT NULL,                  -- JSON as it was received, like result and error
    metric TEXT NOT NULL,
    amount INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    error TEXT,
    result TEXT
  ) STRICT;
  CREATE INDEX analyses_of_user ON analyses (user_id, created_at, id);
  CREATE INDEX analyses_of_user_by_status ON analyses (user_id, status, created_at, id);

  CREATE TABLE usage_events (                -- append-only
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    action TEXT NOT NULL,
    metric TEXT,
    amount INTEGER,
    occurred_at INTEGER NOT NULL,
    metadata TEXT NOT NULL
  ) STRICT;
  CREATE INDEX usage_events_of_user ON usage_events (user_id, occurred_at, id);
  CREATE INDEX usage_events_by_age ON usage_events (occurred_at);

  CREATE TABLE usage_daily (
    user_id TEXT NOT NULL REFERENCES users (id),
    metric TEXT NOT NULL,
    period_start INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    limit_units INTEGER,                     -- in force when the row was last written; NULL is unlimited
    exhausted INTEGER NOT NULL DEFAULT 0,    -- whether the feed has been told that nothing is left
    PRIMARY KEY (user_id, metric, period_start)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency (
    scope TEXT NOT NULL,                     -- a user's id or a service key's
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,               -- keyed digest of method, path and body
    status INTEGER NOT NULL,
    location TEXT,
    body BLOB NOT NULL,                      -- the first answer
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_by_age ON idempotency (created_at);

  CREATE TABLE service_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
  ) STRICT;

  CREATE TABLE overrides (                   -- a user's own limit, or units on top, for a span of time
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    metric TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('limit', 'bonus')),
    units INTEGER,                           -- NULL with kind limit is unlimited
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX overrides_of_user ON overrides (user_id, metric, ends_at);

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    user_id TEXT,
    occurred_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT,
    detail TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_of_user ON audit (user_id, occurred_at);
  CREATE INDEX audit_by_age ON audit (occurred_at);

  CREATE TABLE single_use_tokens (           -- of mailed links: each good once, and for the address that it was made for
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('password_reset', 'email_verification')),
    canonical_email TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX single_use_tokens_of_user ON single_use_tokens (user_id);
  CREATE INDEX single_use_tokens_by_end ON single_use_tokens (expires_at);

  CREATE TABLE events (                      -- the backend's feed, append-only, numbered in the order of the commits
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT NOT NULL,                   -- no reference: the event of a deletion outlives its user
    external_id TEXT,
    occurred_at INTEGER NOT NULL,
    data TEXT NOT NULL                       -- JSON, without any secret
  ) STRICT;
  CREATE INDEX events_of_user ON events (user_id);
  CREATE INDEX events_by_age ON events (occurred_at);

  CREATE TABLE address_usage (               -- what an account that is gone had used, until its period ends
    address BLOB NOT NULL,                   -- keyed digest of the canonical email
    metric TEXT NOT NULL,
    kind TEXT NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (address, metric)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX address_usage_by_end ON address_usage (period_end);

  CREATE TABLE hot_pending (                 -- users whose hot state must be dropped; see Changes
    routing_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE meta (                        -- one row
    id INTEGER PRIMARY KEY CHECK (id = 1),
    era INTEGER NOT NULL,                    -- part of the epoch of the hot state
    sessions_valid_from INTEGER NOT NULL,    -- sessions made before this are over
    service_keys_version INTEGER NOT NULL,
    change_seq INTEGER NOT NULL,             -- numbers the pending changes
    newest_stamp INTEGER NOT NULL            -- the newest instant that a change was stamped with
  ) STRICT;
  INSERT INTO meta VALUES (1, 1, 0, 1, 0, 0);
  """
