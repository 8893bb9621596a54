/* SPDX-License-Identifier: GPL-2.0-only */
/* dom0_mem= and dom0_max_vcpus= in Xen's forms (docs/command-line.md). Pure: any context. */
#ifndef COMMON_DOM0_OPTION_H
#define COMMON_DOM0_OPTION_H

#include <public/hvm/pvh_layout.h>

#include "common/types.h"

#define DOM0_MEM_MIN_MIB	96
#define DOM0_MEM_MIN		((u64)DOM0_MEM_MIN_MIB << 20)
/* Its memory by default: a quarter of the machine's within these bounds, less what Keel needs. */
#define DOM0_MEM_LEAST_MIB	512
#define DOM0_MEM_MOST_GIB	4
#define DOM0_MEM_REST_MIB	16
#define DOM0_OPTION_LEN		64

/*
 * s: SIZE, min:SIZE and max:SIZE, separated by commas, on a machine that has `total` bytes. *mem:
 * dflt or the size, no less than the minimum, no more than the maximum; *max: the maximum, ~0
 * without one. false: s is no such list, or an absolute size in it is below DOM0_MEM_MIN (a share
 * of `total` may be below).
 */
bool dom0_mem_parse(const char *s, u64 total, u64 dflt, u64 *mem, u64 *max);

/*
 * s: N, or MIN-MAX, of which one may be missing. For a range, *n is dflt clamped to it; MAX wins
 * over MIN.
 */
bool dom0_max_vcpus_parse(const char *s, u32 dflt, u32 *n);

#endif
