-- The ledger of Gatehouse: the truth. Instants are milliseconds since 1970 UTC, ids are texts such as usr_4tq9m2kd7xw1hb,
-- secrets are stored as SHA-256 digests or password hashes. This file is the whole schema of its version (PRAGMA user_version).

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  external_id TEXT UNIQUE,                 -- the app's own id
  email TEXT NOT NULL,                     -- as it was given
  canonical_email TEXT UNIQUE,             -- case-folded, NFC, domain in ASCII; NULL once deleted, so that the address is free, and of
                                           -- an account whose address an older one has in another spelling
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
  last_login_at INTEGER,
  -- The cost of verifying the hash: its scheme and parameters, up to the salt; '' for what is no hash that is ever verified.
  password_cost TEXT NOT NULL GENERATED ALWAYS AS (CASE
    WHEN password_hash LIKE '$argon2id$v=19$%$%' THEN substr(password_hash, 1, 15 + instr(substr(password_hash, 16), '$'))
    WHEN password_hash LIKE '$2_$__$%' THEN substr(password_hash, 1, 7)
    WHEN password_hash LIKE 'pbkdf2:%$%' OR password_hash LIKE 'scrypt:%$%'
      THEN substr(password_hash, 1, instr(password_hash, '$'))
    ELSE '' END) VIRTUAL,
  sibling_email TEXT,                      -- of such an account the spelling that alone finds it: trimmed, NFC, lower case,
  sibling_of TEXT,                         -- and the canonical form, which it takes when the older one leaves it
  awaits_verification INTEGER NOT NULL DEFAULT 0  -- no login before the address is verified: signup.enumeration was hide
) STRICT;
CREATE UNIQUE INDEX users_by_sibling_email ON users (sibling_email) WHERE sibling_email IS NOT NULL;
CREATE INDEX users_by_sibling_of ON users (sibling_of, created_at, id) WHERE sibling_of IS NOT NULL;
CREATE INDEX users_by_creation ON users (created_at, id);
CREATE INDEX users_deleted ON users (id) WHERE status = 'deleted';

CREATE TABLE password_costs (              -- how many users have a hash of each cost, so that the dearest is known without a search
  cost TEXT PRIMARY KEY,
  users INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER password_costs_of_new AFTER INSERT ON users BEGIN
  INSERT INTO password_costs VALUES (NEW.password_cost, 1) ON CONFLICT DO UPDATE SET users = users + 1;
END;
CREATE TRIGGER password_costs_of_changed AFTER UPDATE OF password_hash ON users WHEN NEW.password_cost <> OLD.password_cost BEGIN
  INSERT INTO password_costs VALUES (NEW.password_cost, 1) ON CONFLICT DO UPDATE SET users = users + 1;
  UPDATE password_costs SET users = users - 1 WHERE cost = OLD.password_cost;
  DELETE FROM password_costs WHERE cost = OLD.password_cost AND users <= 0;
END;
CREATE TRIGGER password_costs_of_gone AFTER DELETE ON users BEGIN
  UPDATE password_costs SET users = users - 1 WHERE cost = OLD.password_cost;
  DELETE FROM password_costs WHERE cost = OLD.password_cost AND users <= 0;
END;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  class TEXT NOT NULL,
  transport TEXT NOT NULL,
  device TEXT,
  user_agent TEXT,
  ip TEXT,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,             -- the absolute end
  ended_at INTEGER,                        -- ended sessions stay a day, so that their tokens are known to be dead
  password_failures INTEGER NOT NULL DEFAULT 0  -- wrong passwords in a row
) STRICT;
CREATE INDEX sessions_live ON sessions (user_id, seen_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE session_tokens (              -- what opens a session: the token of its login, and those that followed
  hash BLOB PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  authenticated_at INTEGER NOT NULL,       -- when the password was given for it; a rotated token has its parent's
  parent BLOB,                             -- the token that it was rotated from,
  nonce BLOB,                              -- with what derives it from that one's secret:
  key_id TEXT,                             -- nothing live is stored
  created_at INTEGER NOT NULL,
  used_at INTEGER,                         -- its first use
  ends_at INTEGER                          -- the end of its grace, once a token that followed is in use
) STRICT, WITHOUT ROWID;
CREATE INDEX session_tokens_of_session ON session_tokens (session_id);

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
-- All that a standing adds up of them.
CREATE INDEX reservations_of_user ON reservations (user_id, status, metric, period_start, lease_expires_at, amount);
CREATE INDEX reservations_by_lease ON reservations (lease_expires_at) WHERE status = 'held';
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
  user_id TEXT,                            -- whom the answer tells of: it goes with them
  analysis_id TEXT,                        -- the analysis whose metadata the answer has,
  cut_at INTEGER,                          -- and where: what is stored has {} in its place
  id INTEGER PRIMARY KEY,                  -- rows lie in the order of their making: answers are large, and keys come in no order
  UNIQUE (scope, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX idempotency_of_user ON idempotency (user_id) WHERE user_id <> scope;

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

CREATE TABLE clock (                       -- one row once a clock was believed: the time goes on from it; see ClockJudge
  id INTEGER PRIMARY KEY CHECK (id = 1),
  boot TEXT NOT NULL,                      -- the boot of the host, whose boot-time clock
  boot_ms INTEGER NOT NULL,                -- said this
  now_ms INTEGER NOT NULL,                 -- when it was this instant
  quiet_until INTEGER NOT NULL,            -- nothing is removed for its age before
  accepts INTEGER NOT NULL,                -- how often an operator has accepted a time,
  accepted_stamp INTEGER NOT NULL          -- and meta.newest_stamp at the last
) STRICT;

CREATE TABLE secret_lines (                -- the lines of the server secret that were read here; none of them is told
  digest BLOB PRIMARY KEY,
  id TEXT NOT NULL,
  first_until INTEGER NOT NULL             -- when it was last the first line, which makes tokens; 0 for one that never was
) STRICT, WITHOUT ROWID;

CREATE TABLE subject_key (                 -- one row: what makes digests of the limits' subjects, the same for good
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL
) STRICT;

CREATE TABLE hot_nodes (                   -- which Redis serves which slots; see docs/protocol.md
  first_slot INTEGER PRIMARY KEY,          -- of the slots of a cluster: a single server has all, 0 to 16383
  last_slot INTEGER NOT NULL,
  address TEXT NOT NULL,
  replid TEXT NOT NULL,                    -- master_replid: names its timeline
  config_epoch INTEGER NOT NULL,           -- of a cluster, else 0
  term INTEGER NOT NULL,                   -- meta.topology as this timeline was registered
  lineage TEXT NOT NULL,                   -- random, of this registration: a ledger put back from a backup never draws it again
  succeeds INTEGER NOT NULL,               -- the term that processes may have used as this one began; 0 is none
  counted INTEGER NOT NULL,                -- the counter in Redis at the newest drop whose pending row is gone
  counted_by TEXT NOT NULL,                -- the process whose drop that was,
  counted_number INTEGER NOT NULL,         -- and its number there
  vacant_seq INTEGER                       -- change_seq as a process began alone; NULL once Redis was seen to know nothing newer
) STRICT;

CREATE TABLE meta (                        -- one row
  id INTEGER PRIMARY KEY CHECK (id = 1),
  era INTEGER NOT NULL,                    -- part of the epoch of the hot state
  sessions_valid_from INTEGER NOT NULL,    -- sessions made before this are over
  service_keys_version INTEGER NOT NULL,
  change_seq INTEGER NOT NULL,             -- numbers the pending changes
  newest_stamp INTEGER NOT NULL,           -- the newest instant that a change was stamped with
  topology INTEGER NOT NULL DEFAULT 0      -- the version of hot_nodes
) STRICT;
INSERT INTO meta (id, era, sessions_valid_from, service_keys_version, change_seq, newest_stamp) VALUES (1, 1, 0, 1, 0, 0);

-- A program that changes rows in another way than through the service, such as an operator with sqlite3, is heard too: the users' hot state is
-- dropped by the next lease poll, the service keys are read again. The service's own connections, which tell by themselves, say that they
-- are: to them alone sqlite_source_id() gives 'gatehouse'.
CREATE VIEW changed_by_hand AS SELECT id AS user_id FROM users WHERE false;
CREATE TRIGGER changed_by_hand_tells INSTEAD OF INSERT ON changed_by_hand BEGIN
  UPDATE meta SET change_seq = change_seq + 1;
  INSERT INTO hot_pending (routing_id, seq) SELECT substr(NEW.user_id, 5), change_seq FROM meta WHERE true
    ON CONFLICT (routing_id) DO UPDATE SET seq = excluded.seq;
END;
CREATE TRIGGER users_new_by_hand AFTER INSERT ON users WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (NEW.id);
END;
CREATE TRIGGER users_changed_by_hand AFTER UPDATE ON users WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.id);
  INSERT INTO changed_by_hand VALUES (NEW.id);
END;
CREATE TRIGGER users_gone_by_hand AFTER DELETE ON users WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.id);
END;
CREATE TRIGGER sessions_new_by_hand AFTER INSERT ON sessions WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER sessions_changed_by_hand AFTER UPDATE ON sessions WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER sessions_gone_by_hand AFTER DELETE ON sessions WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
END;
CREATE TRIGGER session_tokens_new_by_hand AFTER INSERT ON session_tokens WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand SELECT user_id FROM sessions WHERE id = NEW.session_id;
END;
CREATE TRIGGER session_tokens_changed_by_hand AFTER UPDATE ON session_tokens WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand SELECT user_id FROM sessions WHERE id IN (OLD.session_id, NEW.session_id);
END;
CREATE TRIGGER session_tokens_gone_by_hand AFTER DELETE ON session_tokens WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand SELECT user_id FROM sessions WHERE id = OLD.session_id;
END;
CREATE TRIGGER reservations_new_by_hand AFTER INSERT ON reservations WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER reservations_changed_by_hand AFTER UPDATE ON reservations WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER reservations_gone_by_hand AFTER DELETE ON reservations WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
END;
CREATE TRIGGER usage_daily_new_by_hand AFTER INSERT ON usage_daily WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER usage_daily_changed_by_hand AFTER UPDATE ON usage_daily WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER usage_daily_gone_by_hand AFTER DELETE ON usage_daily WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
END;
CREATE TRIGGER overrides_new_by_hand AFTER INSERT ON overrides WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER overrides_changed_by_hand AFTER UPDATE ON overrides WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
  INSERT INTO changed_by_hand VALUES (NEW.user_id);
END;
CREATE TRIGGER overrides_gone_by_hand AFTER DELETE ON overrides WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  INSERT INTO changed_by_hand VALUES (OLD.user_id);
END;
CREATE TRIGGER service_keys_new_by_hand AFTER INSERT ON service_keys WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  UPDATE meta SET service_keys_version = service_keys_version + 1;
END;
CREATE TRIGGER service_keys_changed_by_hand AFTER UPDATE OF id, hash, scopes, expires_at, revoked_at ON service_keys WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  UPDATE meta SET service_keys_version = service_keys_version + 1;
END;
CREATE TRIGGER service_keys_gone_by_hand AFTER DELETE ON service_keys WHEN sqlite_source_id() <> 'gatehouse' BEGIN
  UPDATE meta SET service_keys_version = service_keys_version + 1;
END;
