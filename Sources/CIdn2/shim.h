#ifndef GATEHOUSE_CIDN2_SHIM_H
#define GATEHOUSE_CIDN2_SHIM_H

#include <idn2.h>

// The flags are an enumeration or macros, by version. 0, and then an output for idn2_free, or an error.
static inline int gatehouse_domain_to_ascii(const char *name, char **output) {
  return idn2_to_ascii_8z(name, output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
}

#endif
