/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COMMON_TYPES_H
#define COMMON_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* a machine (host physical) address, or a guest physical one where named gpa */
typedef u64 paddr_t;
typedef u64 mfn_t;   /* machine frame number */
typedef u64 gfn_t;   /* guest frame number */

#define INVALID_MFN (~0ull)
#define INVALID_GFN (~0ull)

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define KiB(x) ((x) * 1024ull)
#define MiB(x) ((x) * 1024ull * 1024)
#define GiB(x) ((x) * 1024ull * 1024 * 1024)

#endif
