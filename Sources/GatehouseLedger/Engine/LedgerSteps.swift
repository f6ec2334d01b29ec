/// What leads from each version of the ledger's file to the next.
enum LedgerSteps {
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
    3: """
    """,
  ]
}
