#ifndef GATEHOUSE_CSQLITE_SHIM_H
#define GATEHOUSE_CSQLITE_SHIM_H

#include <sqlite3.h>

// sqlite3_db_config is variadic, which Swift can't call. SQLITE_OK once closing the connection never copies the log into the file.
static inline int gatehouse_never_checkpoint_on_close(sqlite3 *connection) {
  int isSet = 0;
  int result = sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &isSet);
  return result == SQLITE_OK && isSet != 1 ? SQLITE_ERROR : result;
}

#endif
