/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 16550 (National Semiconductor PC16550D data sheet): 8 data bits, no parity, one
 * stop bit, FIFOs on.
 *
 *	com1=BAUD[,8n1[,PORT[,IRQ]]]	as Xen writes it; com1=off, console=none: no serial console
 */
#include "arch/x86/uart.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq/irq.h"
#include "common/console.h"
#include "common/option.h"
#include "common/printk.h"

#define UART_RBR 0	/* read: received byte; write: byte to send; DLAB: divisor, low */
#define UART_IER 1	/* DLAB: divisor, high */
#define UART_IIR 2
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCR 7

#define IER_RX 0x01
#define IER_THRE 0x02
#define IIR_NONE 0x01
#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define MCR_DTR_RTS_OUT2 0x0b	/* OUT2 lets the interrupt through on a PC */
#define LSR_DATA 0x01
#define LSR_THRE 0x20
#define LSR_NONE 0xff		/* nothing there */

#define UART_CLOCK 115200u
#define FIFO_SIZE 16u
#define SEND_PATIENCE 200000u	/* reads of the status register; about 0.2 s */
#define POLL_NS 10000000ull
#define IRQ_BOUND 64u

static u16 port;		/* 0: none */
static u8 isa_irq = 4;
static bool from_option;
static struct irq_desc *irq;
static struct timer poll_timer;

static bool uart_present(u16 base)
{
	outb(base + UART_SCR, 0x5a);
	if (inb(base + UART_SCR) != 0x5a)
		return false;
	outb(base + UART_SCR, 0xa5);
	return inb(base + UART_SCR) == 0xa5;
}

static void uart_setup(u16 base, u32 baud)
{
	u16 divisor = (u16)(UART_CLOCK / (baud ? baud : UART_CLOCK));

	outb(base + UART_IER, 0);
	outb(base + UART_LCR, LCR_DLAB);
	outb(base + UART_RBR, (u8)divisor);
	outb(base + UART_IER, (u8)(divisor >> 8));
	outb(base + UART_LCR, LCR_8N1);
	outb(base + UART_FCR, FCR_ENABLE_CLEAR);
	outb(base + UART_MCR, MCR_DTR_RTS_OUT2);
	port = base;
}

/* Field n of "a,b,c" as a number; dflt when it is missing or empty. */
static u64 field_number(const char *s, unsigned int n, u64 dflt)
{
	char *end;
	u64 v;

	for (; n; n--) {
		s = strchr(s, ',');
		if (!s)
			return dflt;
		s++;
	}
	v = strtoul(s, &end, 0);
	return end == s ? dflt : v;
}

void uart_init(void)
{
	u32 baud = CONFIG_UART_BAUD;
	u16 base = CONFIG_UART_BASE;
	char opt[64];

	if (option_choice("console") == 1)
		return;
	from_option = option_string("com1", opt, sizeof(opt));
	if (from_option) {
		if (strcmp(opt, "off") == 0 || strcmp(opt, "none") == 0)
			return;
		baud = (u32)field_number(opt, 0, baud);
		base = (u16)field_number(opt, 2, base);
		isa_irq = (u8)field_number(opt, 3, isa_irq);
		if (!baud || baud > UART_CLOCK || UART_CLOCK % baud)
			baud = CONFIG_UART_BAUD;
	}
	if (uart_present(base))
		uart_setup(base, baud);
}

void uart_use_spcr(void)
{
	u16 base = (u16)acpi.spcr.base;

	if (from_option || !acpi.spcr.present || acpi.spcr.base == port)
		return;
	if (acpi.spcr.mmio || acpi.spcr.base > 0xfff8 || !uart_present(base)) {
		pr_warn("the firmware's serial console (SPCR, %s %#lx) is no 16550 on ports: com1=BAUD,8n1,PORT,IRQ names one",
			acpi.spcr.mmio ? "memory" : "port", acpi.spcr.base);
		return;
	}
	uart_setup(base, CONFIG_UART_BAUD);
	isa_irq = (u8)acpi.spcr.gsi;
}

u16 uart_port(void)
{
	return port;
}

void arch_uart_putc_sync(char c)
{
	if (!port)
		return;
	for (unsigned int i = 0; i < SEND_PATIENCE && !(inb(port + UART_LSR) & LSR_THRE); i++)
		cpu_relax();
	outb(port, (u8)c);
}

/* Console lock held. */
size_t arch_uart_write(const char *s, size_t len)
{
	size_t n = min(len, (size_t)FIFO_SIZE);

	if (!port)
		return len;
	if (!(inb(port + UART_LSR) & LSR_THRE))
		return 0;
	for (size_t i = 0; i < n; i++)
		outb(port, (u8)s[i]);
	return n;
}

static void uart_receive(void)
{
	u8 lsr;

	for (unsigned int i = 0; i < IRQ_BOUND; i++) {
		lsr = inb(port + UART_LSR);
		if (lsr == LSR_NONE || !(lsr & LSR_DATA))
			return;
		console_input((char)inb(port + UART_RBR));
	}
}

static void uart_interrupt(struct irq_user *user)
{
	for (unsigned int i = 0; i < IRQ_BOUND; i++) {
		if (inb(port + UART_IIR) & IIR_NONE)
			break;
		uart_receive();
		console_drain();
	}
}

static struct irq_user uart_user = { uart_interrupt };

static void uart_poll(void *data)
{
	uart_receive();
	console_drain();
	timer_set(&poll_timer, now() + POLL_NS);
}

/* The global interrupt that ISA interrupt n is wired to (ACPI 6.5, 5.2.12.5). */
static u32 isa_to_gsi(u8 n)
{
	for (unsigned int i = 0; i < acpi.nr_overrides; i++)
		if (acpi.overrides[i].bus == 0 && acpi.overrides[i].source == n)
			return acpi.overrides[i].gsi;
	return n;
}

void arch_uart_start(void)
{
	if (!port)
		return;
	if (nr_ioapics)
		irq = irq_alloc(IRQ_KEEL, isa_to_gsi(isa_irq), 0, &uart_user);
	if (!irq) {
		timer_init(&poll_timer, this_cpu(), uart_poll, NULL);
		timer_set(&poll_timer, now() + POLL_NS);
		return;
	}
	ioapic_program(isa_to_gsi(isa_irq), irq, false, false);
	ioapic_mask(isa_to_gsi(isa_irq), false);
	outb(port + UART_IER, IER_RX | IER_THRE);
	inb(port + UART_IIR);
}
