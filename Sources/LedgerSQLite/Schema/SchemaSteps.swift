extension Migrations {
  /// The version of the ledger's schema; see `schema.sql`.
  static let ledgerVersion = 4
  /// The ledger's own file.
  static let ofTheLedger = Migrations(
    schema: String(decoding: PackageResources.schema_sql, as: UTF8.self), version: ledgerVersion, steps: SchemaSteps.all)
}

/// The steps that lead from each version of the ledger's file to the next.
enum SchemaSteps {
  /// For each version the SQL that leads to it from the one before; `schema.sql` is the whole schema of the newest.
  static let all: [Int: String] = [
    2: """
    ALTER TABLE sessions ADD COLUMN password_failures INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE usage_daily ADD COLUMN exhausted INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE single_use_tokens (
      hash BLOB PRIMARY KEY,
      user_id TEXT NOT NULL REFERENCES users (id),
      kind TEXT NOT NULL CHECK (kind IN ('password_reset', 'email_verification')),
      canonical_email TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX single_use_tokens_of_user ON single_use_tokens (user_id);
    CREATE INDEX single_use_tokens_by_end ON single_use_tokens (expires_at);

    CREATE TABLE events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      user_id TEXT NOT NULL,
      external_id TEXT,
      occurred_at INTEGER NOT NULL,
      data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_of_user ON events (user_id);
    CREATE INDEX events_by_age ON events (occurred_at);

    CREATE TABLE address_usage (
      address BLOB NOT NULL,
      metric TEXT NOT NULL,
      kind TEXT NOT NULL,
      period_start INTEGER NOT NULL,
      period_end INTEGER NOT NULL,
      used INTEGER NOT NULL,
      PRIMARY KEY (address, metric)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX address_usage_by_end ON address_usage (period_end);
    """,
    // Sessions first, before anything else names them: they are made anew, since a UNIQUE column can't be dropped. The token that was made last keeps the instant of the password:
    // which of the others had given it is not known.
    3: """
    ALTER TABLE sessions RENAME TO sessions_before;
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
      expires_at INTEGER NOT NULL,
      ended_at INTEGER,
      password_failures INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO sessions
      SELECT id, user_id, class, transport, device, user_agent, ip, created_at, seen_at, expires_at, ended_at, password_failures
      FROM sessions_before;
    CREATE TABLE session_tokens (
      hash BLOB PRIMARY KEY,
      session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      authenticated_at INTEGER NOT NULL,
      parent BLOB,
      nonce BLOB,
      key_id TEXT,
      created_at INTEGER NOT NULL,
      used_at INTEGER,
      ends_at INTEGER
    ) STRICT, WITHOUT ROWID;
    INSERT INTO session_tokens
      SELECT successor_hash, id, authenticated_at, token_hash, successor_nonce, successor_key, created_at, NULL, NULL
      FROM sessions_before WHERE successor_hash IS NOT NULL;
    INSERT INTO session_tokens
      SELECT token_hash, id, iif(successor_hash IS NULL, authenticated_at, created_at),
        iif(successor_hash IS NULL, previous_hash, NULL), iif(successor_hash IS NULL AND previous_hash IS NOT NULL, successor_nonce, NULL),
        iif(successor_hash IS NULL AND previous_hash IS NOT NULL, successor_key, NULL), created_at, created_at, NULL
      FROM sessions_before;
    INSERT INTO session_tokens
      SELECT previous_hash, id, created_at, NULL, NULL, NULL, created_at, created_at, previous_ends_at
      FROM sessions_before WHERE previous_ends_at > (SELECT newest_stamp FROM meta);
    DROP TABLE sessions_before;
    CREATE INDEX sessions_live ON sessions (user_id, seen_at) WHERE ended_at IS NULL;
    CREATE INDEX sessions_of_user ON sessions (user_id);
    CREATE INDEX sessions_by_end ON sessions (expires_at);
    CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
    CREATE INDEX session_tokens_of_session ON session_tokens (session_id);

    ALTER TABLE users ADD COLUMN password_cost TEXT NOT NULL GENERATED ALWAYS AS (CASE
        WHEN password_hash LIKE '$argon2id$v=19$%$%' THEN substr(password_hash, 1, 15 + instr(substr(password_hash, 16), '$'))
        WHEN password_hash LIKE '$2_$__$%' THEN substr(password_hash, 1, 7)
        WHEN password_hash LIKE 'pbkdf2:%$%' OR password_hash LIKE 'scrypt:%$%'
          THEN substr(password_hash, 1, instr(password_hash, '$'))
        ELSE '' END) VIRTUAL;
    CREATE TABLE password_costs (
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
    INSERT INTO password_costs SELECT password_cost, count(*) FROM users GROUP BY 1;

    ALTER TABLE users ADD COLUMN sibling_email TEXT;
    ALTER TABLE users ADD COLUMN sibling_of TEXT;
    CREATE UNIQUE INDEX users_by_sibling_email ON users (sibling_email) WHERE sibling_email IS NOT NULL;
    CREATE INDEX users_by_sibling_of ON users (sibling_of, created_at, id) WHERE sibling_of IS NOT NULL;
    CREATE TEMP TABLE forms AS
      SELECT id, older, form, first_value(id) OVER (PARTITION BY form ORDER BY created_at, id) AS holder
      FROM (SELECT id, created_at, canonical_email AS older, canonical_email_form(email) AS form FROM users WHERE canonical_email IS NOT NULL);
    DELETE FROM forms WHERE older = form AND id = holder;
    UPDATE users SET canonical_email = NULL WHERE id IN (SELECT id FROM forms);
    UPDATE users SET canonical_email = forms.form FROM forms WHERE forms.id = users.id AND forms.id = forms.holder;
    UPDATE users SET sibling_email = forms.older, sibling_of = forms.form FROM forms WHERE forms.id = users.id AND forms.id <> forms.holder;
    INSERT INTO audit (user_id, occurred_at, actor, action, detail)
      SELECT forms.id, max(newest_stamp, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)), 'system', 'address_shared',
        json_object('user_id', holder)
      FROM forms, meta WHERE forms.id <> forms.holder;
    DROP TABLE forms;
    UPDATE single_use_tokens SET canonical_email = canonical_email_form(canonical_email);
    CREATE TABLE clock (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      boot TEXT NOT NULL,
      boot_ms INTEGER NOT NULL,
      now_ms INTEGER NOT NULL,
      quiet_until INTEGER NOT NULL,
      accepts INTEGER NOT NULL,
      accepted_stamp INTEGER NOT NULL
    ) STRICT;

    ALTER TABLE users ADD COLUMN awaits_verification INTEGER NOT NULL DEFAULT 0;

    ALTER TABLE idempotency ADD COLUMN user_id TEXT;
    CREATE INDEX idempotency_of_user ON idempotency (user_id) WHERE user_id IS NOT NULL;
    UPDATE idempotency SET user_id = scope WHERE scope GLOB 'usr_*';
    UPDATE idempotency SET user_id = coalesce(
        json_extract(CAST(body AS TEXT), '$.analysis.user_id'), json_extract(CAST(body AS TEXT), '$.reservation.user_id'),
        (SELECT r.user_id FROM reservations r WHERE r.id = json_extract(CAST(body AS TEXT), '$.id')))
      WHERE user_id IS NULL AND json_valid(CAST(body AS TEXT));
    CREATE TABLE secret_lines (
      digest BLOB PRIMARY KEY,
      id TEXT NOT NULL,
      first_until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE subject_key (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      key BLOB NOT NULL
    ) STRICT;

    CREATE TABLE hot_nodes (
      first_slot INTEGER PRIMARY KEY,
      last_slot INTEGER NOT NULL,
      address TEXT NOT NULL,
      replid TEXT NOT NULL,
      config_epoch INTEGER NOT NULL,
      term INTEGER NOT NULL,
      lineage TEXT NOT NULL,
      succeeds INTEGER NOT NULL,
      counted INTEGER NOT NULL,
      counted_by TEXT NOT NULL,
      counted_number INTEGER NOT NULL,
      vacant_seq INTEGER
    ) STRICT;
    ALTER TABLE meta ADD COLUMN topology INTEGER NOT NULL DEFAULT 0;

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
    """,
    4: """
    ALTER TABLE idempotency RENAME TO idempotency_before;
    CREATE TABLE idempotency (
      scope TEXT NOT NULL,
      key TEXT NOT NULL,
      fingerprint BLOB NOT NULL,
      status INTEGER NOT NULL,
      location TEXT,
      body BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      user_id TEXT,
      analysis_id TEXT,
      cut_at INTEGER,
      id INTEGER PRIMARY KEY,
      UNIQUE (scope, key)
    ) STRICT;
    INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id)
      SELECT scope, key, fingerprint, status, location, body, created_at, user_id FROM idempotency_before ORDER BY created_at;
    DROP TABLE idempotency_before;
    CREATE INDEX idempotency_by_age ON idempotency (created_at);
    CREATE INDEX idempotency_of_user ON idempotency (user_id) WHERE user_id <> scope;
    DROP INDEX reservations_held;
    DROP INDEX reservations_of_user;
    CREATE INDEX reservations_of_user ON reservations (user_id, status, metric, period_start, lease_expires_at, amount);
    """,
  ]
}
