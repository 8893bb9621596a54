/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of all boot options with their types, defaults and help (docs/command-line.md). Code
 * that needs a value reads it through common/option.h.
 */
#ifndef COMMON_CMDLINE_H
#define COMMON_CMDLINE_H

#include "common/types.h"

/*
 * Warn about each word of the command line that is not an option or has an invalid value; such a
 * value counts as absent. Boot CPU, once printk works. Returns the number of warnings.
 */
unsigned int cmdline_check(void);

#endif
