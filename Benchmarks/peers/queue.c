/* A loop on SQLite without a queue: transactions of 256 units, each the three rows that the beginning of an analysis writes.
 * Usage: queue LEDGER UNITS FIRST SECONDS. Prints how many units it wrote, and in how many microseconds. Queue/Unit.swift writes
 * the same. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { UNITS_OF_TRANSACTION = 256, ID_MAX = 32, METADATA = 1500, ANSWER_MAX = 1024, UNITS_FIRST = 65536 };
static const sqlite3_int64 instant = 1790000000000, day = 86400000, lease = 1800000;

/* The answer to the call as the service stores it, before and behind the metadata that it leaves out. */
#define ANSWER_BEFORE "{\"analysis\":{\"id\":\"%s\",\"user_id\":\"%s\",\"status\":\"pending\",\"filename\":\"squat.mp4\",\"metadata\":"
#define ANSWER_BEHIND \
  "{},\"metric\":\"video_analysis\",\"amount\":1,\"reservation_id\":\"%s\",\"lease_expires_at\":\"2026-09-21T14:43:20.000Z\"," \
  "\"result\":null,\"error\":null,\"created_at\":\"2026-09-21T14:13:20.000Z\",\"finished_at\":null}," \
  "\"allowance\":{\"metric\":\"video_analysis\",\"limit\":null,\"used\":0,\"held\":1,\"remaining\":null," \
  "\"resets_at\":\"2026-09-22T14:13:20.000Z\"}}"

struct unit {
  char user[ID_MAX], reservation[ID_MAX], analysis[ID_MAX];
};

static sqlite3 *db;
static struct unit *units;
static long units_count;

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

/* The units of a file from line `first` on. */
static void read_units(const char *path, long first) {
  FILE *file = fopen(path, "r");
  check(file != NULL, path);
  struct unit unit;
  long number = 0, room = 0;
  for (; fscanf(file, "%31s %31s %31s", unit.user, unit.reservation, unit.analysis) == 3; number++) {
    if (number < first) continue;
    if (units_count == room) {
      room = room ? 2 * room : UNITS_FIRST;
      units = realloc(units, room * sizeof *units);
      check(units != NULL, "memory");
    }
    units[units_count++] = unit;
  }
  check(number >= first, "too few units");
  fclose(file);
}

static long long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int count, char **words) {
  if (count != 5) return fprintf(stderr, "queue LEDGER UNITS FIRST SECONDS\n"), 2;
  /* As the service has it: no lock for statistics of memory, none for a connection that one thread uses. */
  check(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK, "configuration");
  check(sqlite3_open_v2(words[1], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, words[1]);
  sqlite3_create_function(db, "sqlite_source_id", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, source, NULL, NULL);
  run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 16777216; "
      "PRAGMA wal_autocheckpoint = 1024; PRAGMA foreign_keys = ON");
  sqlite3_stmt *reservations = prepare(
      "INSERT INTO reservations (id, user_id, metric, amount, status, period_start, period_end, lease_expires_at, created_at) "
      "VALUES (?, ?, 'video_analysis', 1, 'held', ?, ?, ?, ?)");
  sqlite3_stmt *analyses = prepare(
      "INSERT INTO analyses (id, user_id, reservation_id, status, filename, metadata, metric, amount, created_at) "
      "VALUES (?, ?, ?, 'pending', 'squat.mp4', ?, 'video_analysis', 1, ?)");
  sqlite3_stmt *idempotency = prepare(
      "INSERT INTO idempotency (scope, key, fingerprint, status, location, body, created_at, user_id, analysis_id, cut_at) "
      "VALUES (?1, ?2, ?3, 201, ?4, ?5, ?6, ?1, ?2, ?7)");
  static char metadata[METADATA + 16], answer[ANSWER_MAX], fingerprint[32];
  char notes[METADATA + 1], location[2 * ID_MAX];
  memset(notes, 'x', METADATA), notes[METADATA] = 0;
  snprintf(metadata, sizeof metadata, "{\"notes\":\"%s\"}", notes);
  memset(fingerprint, 7, sizeof fingerprint);

  read_units(words[2], atol(words[3]));
  long written = 0;
  long long start = microseconds(), end = start + atoll(words[4]) * 1000000;
  while (written < units_count && microseconds() < end) {
    run("BEGIN IMMEDIATE");
    for (int place = 0; place < UNITS_OF_TRANSACTION && written < units_count; place++, written++) {
      const struct unit *unit = &units[written];
      bind(reservations, 1, unit->reservation), bind(reservations, 2, unit->user);
      sqlite3_bind_int64(reservations, 3, instant), sqlite3_bind_int64(reservations, 4, instant + day);
      sqlite3_bind_int64(reservations, 5, instant + lease), sqlite3_bind_int64(reservations, 6, instant);
      step(reservations);
      bind(analyses, 1, unit->analysis), bind(analyses, 2, unit->user), bind(analyses, 3, unit->reservation), bind(analyses, 4, metadata);
      sqlite3_bind_int64(analyses, 5, instant);
      step(analyses);
      snprintf(location, sizeof location, "/v1/analyses/%s", unit->analysis);
      int cut_at = snprintf(answer, sizeof answer, ANSWER_BEFORE, unit->analysis, unit->user);
      int bytes = cut_at + snprintf(answer + cut_at, sizeof answer - cut_at, ANSWER_BEHIND, unit->reservation);
      bind(idempotency, 1, unit->user), bind(idempotency, 2, unit->analysis), bind(idempotency, 4, location);
      sqlite3_bind_blob(idempotency, 3, fingerprint, sizeof fingerprint, SQLITE_STATIC);
      sqlite3_bind_blob(idempotency, 5, answer, bytes, SQLITE_STATIC);
      sqlite3_bind_int64(idempotency, 6, instant), sqlite3_bind_int(idempotency, 7, cut_at);
      step(idempotency);
    }
    run("COMMIT");
  }
  printf("{\"units\": %ld, \"microseconds\": %lld}\n", written, microseconds() - start);
  return 0;
}
