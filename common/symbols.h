/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for addresses in Keel's own code: the stack trace's table, made from nm's output. */
#ifndef COMMON_SYMBOLS_H
#define COMMON_SYMBOLS_H

#include "common/types.h"

/*
 * The function that @addr lies in, and how far into it, or NULL if it is no address in the image's
 * text. For a return address look up addr - 1: it may be that of the next function. Any context.
 */
const char *symbol_lookup(u64 addr, u64 *offset);

/* The generated table (arch/x86/boot/symbols.awk): offsets from __text_start, ascending. */
extern const u32 symbols_count;
extern const u32 symbols_offset[];
extern const u32 symbols_name[];	/* into symbols_text */
extern const char symbols_text[];
extern const char __text_start[], __text_end[];

#endif /* COMMON_SYMBOLS_H */
