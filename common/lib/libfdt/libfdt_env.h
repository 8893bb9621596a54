/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libfdt's header expects from its environment, for a freestanding build: the types of
 * big-endian fields, their conversion, and the string functions.
 */
#ifndef COMMON_LIB_LIBFDT_ENV_H
#define COMMON_LIB_LIBFDT_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/lib/string.h"

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

#define fdt16_to_cpu(x)	__builtin_bswap16(x)
#define cpu_to_fdt16(x)	__builtin_bswap16(x)
#define fdt32_to_cpu(x)	__builtin_bswap32(x)
#define cpu_to_fdt32(x)	__builtin_bswap32(x)
#define fdt64_to_cpu(x)	__builtin_bswap64(x)
#define cpu_to_fdt64(x)	__builtin_bswap64(x)

#endif /* COMMON_LIB_LIBFDT_ENV_H */
