/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Build options in C.
 *
 * An option that is on is defined as 1, one that is off is not defined at all.
 * IS_ENABLED(CONFIG_X) turns that into 1 or 0, so that code for both cases is
 * always compiled and checked: if (IS_ENABLED(CONFIG_DEBUG)) ...
 */
#ifndef COMMON_KCONFIG_H
#define COMMON_KCONFIG_H

#include "config.h"

/*
 * Pasting the option's value onto KCONFIG_ARG_ gives "0," for 1, which moves
 * the literal 1 into second place, and a plain junk word for anything else.
 */
#define KCONFIG_ARG_1 0,
#define KCONFIG_SECOND(ignored, value, ...) value
#define KCONFIG_PICK(junk) KCONFIG_SECOND(junk 1, 0, 0)
#define KCONFIG_PASTE(value) KCONFIG_PICK(KCONFIG_ARG_##value)
#define IS_ENABLED(option) KCONFIG_PASTE(option)

#endif /* COMMON_KCONFIG_H */
