#ifndef GATEHOUSE_CUNISTRING_SHIM_H
#define GATEHOUSE_CUNISTRING_SHIM_H

#include <unicase.h>
#include <uninorm.h>

// UNINORM_NFC is the address of a type that is not told. An output for free, of *count bytes, or NULL.
static inline uint8_t *gatehouse_casefold(const uint8_t *text, size_t bytes, size_t *count) {
  return u8_casefold(text, bytes, NULL, UNINORM_NFC, NULL, count);
}

#endif
