/* A loop on SQLite without a queue: transactions of 256 units, each the three rows that the beginning of an analysis writes.
 * Usage: queue LEDGER UNITS FIRST SECONDS. Prints how many units it wrote, and in how many microseconds. Queue/Unit.swift writes the same. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { UNITS_OF_TRANSACTION = 256, ID_MAX = 32, METADATA = 1500, ANSWER = 2000 };
static const sqlite3_int64 instant = 1790000000000, day = 86400000, lease = 1800000;

static sqlite3 *db;

static void check(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s: %s\n", what, db ? sqlite3_errmsg(db) : "no database");
  exit(1);
}

static void run(const char *sql) { check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK, sql);
  return statement;
}

static void bind(sqlite3_stmt *statement, int at, const char *text) {
  check(sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC) == SQLITE_OK, "bind");
}

static void step(sqlite3_stmt *statement) {
  check(sqlite3_step(statement) == SQLITE_DONE, "step");
  sqlite3_reset(statement);
}

/* The ledger's triggers tell of changes by others; its own connections are known by this. */
static void source(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count, (void)values;
  sqlite3_result_text(context, "gatehouse", -1, SQLITE_STATIC);
}

static long long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "queue LEDGER UNITS FIRST SECONDS\n"), 2;
  check(sqlite3_open(words[1], &db) == SQLITE_OK, words[1]);
  sqlite3_create_function(db, "sqlite_source_id", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, source, NULL, NULL);
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 16777216; PRAGMA wal_autocheckpoint = 1024");
  sqlite3_stmt *reservations = prepare(
      "INSERT INTO reservations (id, user_id, metric, amount, status, period_start, period_end, lease_expires_at, created_at) "
      "VALUES (?, ?, 'video_analysis', 1, 'held', ?, ?, ?, ?)");
  sqlite3_stmt *analyses = prepare(
      "INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at) "
      "VALUES (?, ?, ?, 'pending', 'squat.mp4', ?, 'video_analysis', 1, ?)");
  sqlite3_stmt *idempotency = prepare(
      "INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id) VALUES (?1, ?2, ?3, 201, ?4, ?5, ?6, ?1)");
  static char metadata[METADATA + 16], answer[ANSWER], fingerprint[32];
  char notes[METADATA + 1];
  memset(notes, 'x', METADATA), notes[METADATA] = 0;
  snprintf(metadata, sizeof metadata, "{\"notes\":\"%s\"}", notes);
  memset(answer, 'a', sizeof answer), memset(fingerprint, 7, sizeof fingerprint);

  FILE *units = fopen(words[2], "r");
  check(units != NULL, words[2]);
  char user[ID_MAX], reservation[ID_MAX], analysis[ID_MAX], location[2 * ID_MAX];
  for (long skipped = atol(words[3]); skipped > 0; skipped--)
    check(fscanf(units, "%31s %31s %31s", user, reservation, analysis) == 3, "too few units");
  long long start = microseconds(), end = start + atoll(words[4]) * 1000000, written = 0;
  int more = 1;
  while (more && microseconds() < end) {
    run("BEGIN IMMEDIATE");
    for (int unit = 0; unit < UNITS_OF_TRANSACTION; unit++) {
      if (fscanf(units, "%31s %31s %31s", user, reservation, analysis) != 3) {
        more = 0;
        break;
      }
      bind(reservations, 1, reservation), bind(reservations, 2, user);
      sqlite3_bind_int64(reservations, 3, instant), sqlite3_bind_int64(reservations, 4, instant + day);
      sqlite3_bind_int64(reservations, 5, instant + lease), sqlite3_bind_int64(reservations, 6, instant);
      step(reservations);
      bind(analyses, 1, analysis), bind(analyses, 2, user), bind(analyses, 3, reservation), bind(analyses, 4, metadata);
      sqlite3_bind_int64(analyses, 5, instant);
      step(analyses);
      snprintf(location, sizeof location, "/v1/analyses/%s", analysis);
      bind(idempotency, 1, user), bind(idempotency, 2, analysis), bind(idempotency, 4, location);
      sqlite3_bind_blob(idempotency, 3, fingerprint, sizeof fingerprint, SQLITE_STATIC);
      sqlite3_bind_blob(idempotency, 5, answer, sizeof answer, SQLITE_STATIC);
      sqlite3_bind_int64(idempotency, 6, instant);
      step(idempotency);
      written++;
    }
    run("COMMIT");
  }
  printf("{\"units\": %lld, \"microseconds\": %lld}\n", written, microseconds() - start);
  return 0;
}
