#ifndef GATEHOUSE_CSQLITE_SHIM_H
#define GATEHOUSE_CSQLITE_SHIM_H

#include <sqlite3.h>

// sqlite3_db_config is variadic, which Swift can't call. SQLITE_OK once closing the connection never copies the log into the file.
static inline int gatehouse_never_checkpoint_on_close(sqlite3 *connection) {
  int isSet = 0;
  int result = sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &isSet);
  return result == SQLITE_OK && isSet != 1 ? SQLITE_ERROR : result;
}

// sqlite3_config is variadic too. SQLITE_MISUSE once SQLite has begun.
static inline int gatehouse_drop_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

static inline void gatehouse_source(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3_result_text(context, "gatehouse", -1, SQLITE_STATIC);
}

// Has sqlite_source_id() give 'gatehouse' on this connection; see schema.sql.
static inline int gatehouse_name_source(sqlite3 *connection) {
  int encoding = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  return sqlite3_create_function(connection, "sqlite_source_id", 0, encoding, 0, gatehouse_source, 0, 0);
}

// The system's reason for the last failed write to the ledger's file, and to its log; 0 if none failed. sqlite3_system_errno knows of neither
// once the error has passed through a statement.
static inline int gatehouse_errno_of_file(sqlite3 *connection) {
  int number = 0;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

static inline sqlite3_file *gatehouse_log(sqlite3 *connection) {
  sqlite3_file *log = 0;
  int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  return result == SQLITE_OK && log && log->pMethods ? log : 0;
}

static inline int gatehouse_errno_of_log(sqlite3 *connection) {
  sqlite3_file *log = gatehouse_log(connection);
  int number = 0;
  if (log) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

// The size of the log behind a connection; -1 if it can't be told.
static inline sqlite3_int64 gatehouse_size_of_log(sqlite3 *connection) {
  sqlite3_file *log = gatehouse_log(connection);
  sqlite3_int64 size = -1;
  return log && log->pMethods->xFileSize(log, &size) == SQLITE_OK ? size : -1;
}

// Reads bytes of the log behind a connection. SQLITE_IOERR_SHORT_READ: the rest is zeros.
static inline int gatehouse_read_log(sqlite3 *connection, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *log = gatehouse_log(connection);
  return log ? log->pMethods->xRead(log, bytes, count, offset) : SQLITE_ERROR;
}

// Copies the first bytes of the log's index, at most 32768, which every connection that has read once has mapped.
static inline int gatehouse_read_index(sqlite3 *connection, void *bytes, int count) {
  enum { REGION = 32768 };
  sqlite3_file *file = 0;
  volatile void *index = 0;
  int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (result != SQLITE_OK) return result;
  if (count > REGION || !file || !file->pMethods || file->pMethods->iVersion < 2) return SQLITE_ERROR;
  result = file->pMethods->xShmMap(file, 0, REGION, 0, &index);
  if (result != SQLITE_OK) return result;
  if (!index) return SQLITE_ERROR;
  for (int i = 0; i < count; i++) ((char *)bytes)[i] = ((volatile char *)index)[i];
  return SQLITE_OK;
}

// Reads bytes of the file behind a connection through SQLite's own handle. Opening the file beside SQLite would do harm: closing any
// handle of it drops the locks that the process holds on it.
static inline int gatehouse_read_file(sqlite3 *connection, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *file = 0;
  int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (result != SQLITE_OK) return result;
  if (!file || !file->pMethods) return SQLITE_ERROR;
  return file->pMethods->xRead(file, bytes, count, offset);
}

#endif
