/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages: they go to the console ring, and from there to the serial line (console.c). */
#ifndef COMMON_PRINTK_H
#define COMMON_PRINTK_H

#include "common/kconfig.h"
#include "common/lib.h"

/*
 * Numbered as in CONFIG_LOG_LEVEL. LOG_NOTICE is printed at every level, for messages that scripts
 * wait for.
 */
enum log_level { LOG_NOTICE = -1, LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Boot, after option_init(): takes loglvl=. */
void printk_init(void);
/*
 * The least important messages that are printed, as loglvl= says it; and others from now on: 0,
 * -EINVAL: no such word.
 */
const char *printk_level(void);
int printk_set_level(const char *word);

/* Prints one message. Any context. */
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);

#define pr_err(fmt, ...) printk(LOG_ERR, fmt, ##__VA_ARGS__)
#define pr_warn(fmt, ...) printk(LOG_WARN, fmt, ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(LOG_NOTICE, fmt, ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(LOG_INFO, fmt, ##__VA_ARGS__)
#define pr_debug(fmt, ...) printk(LOG_DEBUG, fmt, ##__VA_ARGS__)

/* A guest may cause these: at most 10 lines a second for each call site. */
struct ratelimit { u64 window; u32 printed, missed; };
bool ratelimit_ok(struct ratelimit *rl);
#define pr_guest(d, fmt, ...) do {						\
	static struct ratelimit _rl;						\
	if (ratelimit_ok(&_rl))							\
		printk(LOG_WARN, "d%u: " fmt, (d)->id, ##__VA_ARGS__);		\
} while (0)

/*
 * Stops the machine (or reboots it, without `noreboot`) after a message and a stack trace. Any
 * context.
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/*
 * Arch: prints the calls that led here, with symbols; and stops this CPU and all others. Any
 * context.
 */
void arch_stack_trace(void);
/* Stops the other CPUs, and prints where those were that were inside Keel. */
void arch_other_cpus_trace(void);
void arch_halt(void) __noreturn;

#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(c) \
	do { if (unlikely(c)) panic("BUG at %s:%d: %s", __FILE__, __LINE__, #c); } while (0)
#define ASSERT(c) do { if (IS_ENABLED(CONFIG_DEBUG)) BUG_ON(!(c)); } while (0)

#endif
