/* SPDX-License-Identifier: GPL-2.0-only */
/* Small helpers that every file may use: bits, atomics, bounds, strings. */
#ifndef COMMON_LIB_H
#define COMMON_LIB_H

#include "common/types.h"
#include "common/lib/string.h"

#define STR_(x) #x
#define STR(x) STR_(x) /* what a macro says, as a string */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define noinline __attribute__((noinline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __noreturn __attribute__((noreturn))
#define __must_check __attribute__((warn_unused_result))

/* Each use has variables with unique names, so that uses nest without shadowing. */
#define KEEL_PASTE_(a, b) a##b
#define KEEL_PASTE(a, b) KEEL_PASTE_(a, b)
#define KEEL_CHOOSE_(ta, tb, a, b, op, n) ({ \
	ta KEEL_PASTE(_a, n) = (a); tb KEEL_PASTE(_b, n) = (b); \
	KEEL_PASTE(_a, n) op KEEL_PASTE(_b, n) ? KEEL_PASTE(_a, n) : KEEL_PASTE(_b, n); })
#define min(a, b) KEEL_CHOOSE_(__auto_type, __auto_type, a, b, <, __COUNTER__)
#define max(a, b) KEEL_CHOOSE_(__auto_type, __auto_type, a, b, >, __COUNTER__)
#define min_t(t, a, b) KEEL_CHOOSE_(t, t, a, b, <, __COUNTER__)
#define max_t(t, a, b) KEEL_CHOOSE_(t, t, a, b, >, __COUNTER__)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ROUND_UP(n, a) (((n) + (a) - 1) & ~((__typeof__(n))(a) - 1))
#define ROUND_DOWN(n, a) ((n) & ~((__typeof__(n))(a) - 1))
#define IS_ALIGNED(n, a) (((n) & ((a) - 1)) == 0)
#define BIT(n) (1ull << (n))
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* Replaces *p by new if it is *old. false: it is not; *old then says what it is. */
#define cas(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define check_add_overflow(a, b, r) __builtin_add_overflow(a, b, r)
#define check_mul_overflow(a, b, r) __builtin_mul_overflow(a, b, r)

/* Atomic bit operations on arrays of 64-bit words, guest-shared ones included. */
static inline bool test_bit(unsigned int n, const void *addr)
{
	return READ_ONCE(((const u64 *)addr)[n / 64]) >> (n % 64) & 1;
}

static inline void set_bit(unsigned int n, void *addr)
{
	__atomic_fetch_or(&((u64 *)addr)[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned int n, void *addr)
{
	__atomic_fetch_and(&((u64 *)addr)[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned int n, void *addr)
{
	return __atomic_fetch_or(&((u64 *)addr)[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

static inline bool test_and_clear_bit(unsigned int n, void *addr)
{
	return __atomic_fetch_and(&((u64 *)addr)[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST) >> (n % 64) & 1;
}

/* The bits of a value of 1, 2, 4 or 8 bytes. */
static inline u64 bytes_mask(unsigned int size) { return size >= 8 ? ~0ull : BIT(size * 8) - 1; }

/* The place of s in a list that ends with NULL; -1: it is not there. */
static inline int find_word(const char *s, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(s, words[i]))
			return i;
	return -1;
}

/* Unaligned little-endian reads. */
static inline u16 get16(const u8 *p) { u16 v; memcpy(&v, p, sizeof(v)); return v; }
static inline u32 get32(const u8 *p) { u32 v; memcpy(&v, p, sizeof(v)); return v; }
static inline u64 get64(const u8 *p) { u64 v; memcpy(&v, p, sizeof(v)); return v; }

/* Index of the lowest/highest set bit; x must not be 0. */
static inline unsigned int ffs64(u64 x) { return (unsigned int)__builtin_ctzll(x); }

static inline unsigned int fls64(u64 x) { return 63 - (unsigned int)__builtin_clzll(x); }

#endif
