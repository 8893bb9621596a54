/* SPDX-License-Identifier: GPL-2.0-only */
/* The console: a ring of all output, drained to the UART; input for Dom0. */
#ifndef COMMON_CONSOLE_H
#define COMMON_CONSOLE_H

#include "common/domain.h"

void console_write(const char *s, size_t len);	/* raw, to ring and line. Any context */
/* Output of a guest: whole lines prefixed with its name, rate-limited. */
void console_guest_write(struct domain *d, const char *s, size_t len);
/* From the ring, for XEN_SYSCTL_readconsole: copies to guest memory; see sysctl.c. */
size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 gva, u32 count, int *err);
/* Input: from the UART's interrupt or poll to the focus (Dom0); raises VIRQ_CONSOLE. */
void console_input(char c);
size_t console_read_input(char *buf, size_t len);
/* From now on output is synchronous: panic and shutdown. Any context. */
void console_start_sync(void);
void console_drain(void);	/* WORK_CONSOLE, timer: writes what the UART takes */

/* Arch: the 16550. */
void arch_uart_putc_sync(char c);
size_t arch_uart_write(const char *s, size_t len); /* as much as fits in the FIFO now; number of bytes taken */

#endif
