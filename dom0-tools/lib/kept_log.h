/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_KEPT_LOG_H
#define KEEL_LIB_KEPT_LOG_H

#include <stdbool.h>

#include "lib/keel.h"

/*
 * The end of the hypervisor's log before its last crash, from the EFI variable in which it keeps
 * that (common/efi.c), also on plain Linux: up to @size bytes; returns how many. @clear removes the
 * variable afterwards.
 */
long keel_kept_log(struct keel *k, char *text, size_t size, bool clear);

#endif
