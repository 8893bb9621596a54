/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console. Two rings: one of Keel's and the guests' messages, which XEN_SYSCTL_readconsole
 * reads, and one of everything that waits for the serial line, including Dom0's output. While
 * booting and in a panic, output is synchronous; otherwise the UART's interrupt or a timer writes
 * it.
 */
#ifndef COMMON_CONSOLE_H
#define COMMON_CONSOLE_H

#include "common/domain.h"

/*
 * Keel's own message, to both rings. Starts a new line if another one is unfinished. Any context.
 */
void console_message(const char *s, size_t len);
/* Dom0's output: raw, to the serial line only. Any context. */
void console_line_write(const char *s, size_t len);
/* How many bytes fit without loss: for callers that can wait. */
size_t console_line_room(void);
/* Output of a guest: whole lines prefixed with its name, rate-limited. */
void console_guest_write(struct domain *d, const char *s, size_t len);
/* The guest goes away: prints its last line if that had no newline. */
void console_guest_end(struct domain *d);

/*
 * For XEN_SYSCTL_readconsole: copies up to count bytes of messages to guest memory at gva, starting
 * at *index (incremental) or at the oldest, and sets *index to the end; clear: later reads start
 * there. Returns the number of bytes; *err is 0 or -EFAULT. No locks.
 */
size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 gva, u32 count, int *err);

/* The newest bytes of messages, as many as fit: their number. In a panic. */
size_t console_newest(char *buf, size_t len);

/* Input: from the UART's interrupt or poll to Dom0; raises VIRQ_CONSOLE. No locks. */
void console_input(char c);
size_t console_read_input(char *buf, size_t len);

/* Boot: from now on, output happens in the background. Timers and interrupts must work. */
void console_start_async(void);
/*
 * From now on, output is synchronous again, for panic and shutdown. Pending output is written
 * first. Any context.
 */
void console_start_sync(void);
/*
 * WORK_CONSOLE, the UART's interrupt, the timer: writes as much as the UART accepts now. No locks.
 */
void console_drain(void);

/*
 * boot_console.c: gives d a PV console whose other end is Keel until Dom0 binds the port. 0 or
 * -errno.
 */
int boot_console_init(struct domain *d, evtchn_port_t port);
/* d is dying: its ports are closed already. */
void boot_console_end(struct domain *d);

/*
 * Arch: the firmware's framebuffer, which shows what is written synchronously. Boot, once there are
 * page tables: shows what was said before.
 */
void arch_screen_init(void);
void arch_screen_putc(char c);
/* Arch: the 16550. */
void arch_uart_putc_sync(char c);	/* waits for room, but not for ever */
/* as much as fits in the FIFO now; number of bytes taken */
size_t arch_uart_write(const char *s, size_t len);
void arch_uart_start(void);	/* console_start_async(): interrupt, or polling with console_drain() */

#endif
