/* SPDX-License-Identifier: GPL-2.0-only */
/* The serial console: one 16550, the only device that Keel drives. */
#ifndef ARCH_X86_UART_H
#define ARCH_X86_UART_H

#include "common/types.h"

#define UART_NR_PORTS 8

/*
 * Boot, after option_init(): finds the UART (com1=, else CONFIG_UART_BASE) and sets it up. Output
 * works from here on.
 */
void uart_init(void);
/* After acpi_init(): the SPCR table's UART, unless com1= named one. */
void uart_use_spcr(void);
/* First of its UART_NR_PORTS ports, which Dom0 does not get; 0: there is none. */
u16 uart_port(void);

#endif
