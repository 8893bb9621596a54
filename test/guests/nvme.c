/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver of an NVMe controller that the boot configuration gave this guest (test/system/boot-pci.dts): one pair
 * of I/O queues, their interrupt by MSI-X, and as many requests as "requests=N" says (NVM Express 1.4).
 */
#include "lib/guest.h"

#include <public/hvm/pvh_layout.h>

#define DEPTH 16u
#define VECTOR 0x61
#define BLOCK 512u
#define SPAN 64u		/* pages of the disk that are used */
#define VA 0x4000000000ull	/* of the registers */
#define FUNCTION 0x100u		/* behind the first port */

#define CC 0x14
#define CSTS 0x1c
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define DOORBELL(q, done) (0x1000 + (2 * (q) + (done)) * stride)

const char test_title[] = "nvme";

struct command { u32 dw0, nsid; u64 reserved, metadata, prp1, prp2; u32 dw[6]; };
struct completion { u32 result, reserved; u16 head, queue, id, status; };

struct queue {
	struct command *sq;
	volatile struct completion *cq;
	u32 tail, head, phase;
};

static struct queue queues[2];
static u32 stride;
static volatile u32 *window;	/* configuration space: a page of it */
static u8 *page_out, *page_in;
static volatile u64 messages;

static volatile u32 *reg32(u32 reg) { return (volatile u32 *)(VA + reg); }
static volatile u64 *reg64(u32 reg) { return (volatile u64 *)(VA + reg); }

static u32 config(u32 reg) { return window[reg / 4]; }

/* Where the capability is; 0: nowhere. */
static u32 find_cap(u8 id)
{
	u32 at = config(0x34) & 0xfc;

	while (at && (config(at) & 0xff) != id)
		at = config(at) >> 8 & 0xfc;
	return at;
}

static void doorbell(u32 reg, u32 value) { *reg32(reg) = value; }

/* Comes back after an interrupt, whoever's it was. */
static void wait_message(const volatile struct completion *c, u32 phase)
{
	irq_off();
	if ((c->status & 1) != phase)
		asm volatile("sti; hlt" ::: "memory");
	irq_on();
}

static void on_message(struct regs *r)
{
	messages++;
	apic_write(APIC_EOI, 0);
}

/* One command; its status. */
static u32 run(unsigned int q, struct command c, bool sleep)
{
	struct queue *queue = &queues[q];
	volatile struct completion *done = &queue->cq[queue->head];
	u64 limit = now_ns() + 20000000000ull;
	u32 status;

	queue->sq[queue->tail] = c;
	queue->tail = (queue->tail + 1) % DEPTH;
	barrier();
	doorbell(DOORBELL(q, 0), queue->tail);
	while ((done->status & 1) != queue->phase) {
		if (sleep)
			wait_message(done, queue->phase);
		else if (now_ns() > limit)
			error_stop("the controller does not answer");
	}
	status = done->status >> 1;
	queue->head = (queue->head + 1) % DEPTH;
	queue->phase ^= !queue->head;
	doorbell(DOORBELL(q, 1), queue->head);
	return status;
}

static void setup_queue(unsigned int q)
{
	queues[q].sq = alloc_page();
	queues[q].cq = alloc_page();
	queues[q].phase = 1;
}

static void wait_ready(u32 ready)
{
	u64 limit = now_ns() + 20000000000ull;

	while ((*reg32(CSTS) & 1) != ready)
		if (now_ns() > limit)
			error_stop("the controller does not start or stop");
}

/* The function's BAR to the begin of the window, where the table of messages lies behind the registers. */
static void find_controller(void)
{
	u32 a, b, c, d, msix;
	volatile u32 *entry;
	u64 bar;

	cpuid(0x80000008, 0, &a, &b, &c, &d);
	bar = PVH_PCI_WINDOW_BASE(a & 0xff);
	map_page(VA - PAGE_SIZE, PVH_PCI_ECAM_BASE + (u64)FUNCTION * PAGE_SIZE, PTE_P | PTE_W | PTE_UC);
	window = (volatile u32 *)(VA - PAGE_SIZE);
	if (config(0) == ~0u)
		skip("there is no PCI function (test/system/boot-pci.sh gives one)");
	EXPECT_EQ(config(8) >> 8, 0x010802);
	window[0x10 / 4] = (u32)bar;
	window[0x14 / 4] = (u32)(bar >> 32);
	window[1] = 6;
	for (u64 i = 0; i < 16; i++)
		map_page(VA + i * PAGE_SIZE, bar + i * PAGE_SIZE, PTE_P | PTE_W | PTE_UC);
	msix = find_cap(0x11);
	if (!msix || (config(msix + 4) & 7))
		error_stop("no MSI-X, or its table is in another BAR");
	entry = reg32(config(msix + 4) & ~7u);
	entry[0] = 0xfee00000;	/* vCPU 0 */
	entry[1] = 0;
	entry[2] = VECTOR;
	entry[3] = 0;
	window[msix / 4] = 1u << 31 | config(msix);
}

static void start_controller(void)
{
	stride = 4u << (*reg64(0) >> 32 & 15);
	*reg32(CC) = 0;
	wait_ready(0);
	setup_queue(0);
	setup_queue(1);
	*reg32(AQA) = (DEPTH - 1) << 16 | (DEPTH - 1);
	*reg64(ASQ) = (u64)queues[0].sq;
	*reg64(ACQ) = (u64)queues[0].cq;
	*reg32(CC) = 4 << 20 | 6 << 16 | 1;
	wait_ready(1);
	EXPECT_EQ(run(0, (struct command){ .dw0 = 5, .prp1 = (u64)queues[1].cq,
					   .dw = { (DEPTH - 1) << 16 | 1, 3 } }, false), 0);
	EXPECT_EQ(run(0, (struct command){ .dw0 = 1, .prp1 = (u64)queues[1].sq,
					   .dw = { (DEPTH - 1) << 16 | 1, 1 << 16 | 1 } }, false), 0);
}

static u32 transfer(u8 opcode, const void *page, u64 n)
{
	return run(1, (struct command){ .dw0 = opcode, .nsid = 1, .prp1 = (u64)page,
					.dw = { (u32)(n % SPAN * (PAGE_SIZE / BLOCK)), 0, PAGE_SIZE / BLOCK - 1 } }, true);
}

void test_main(void)
{
	u64 requests = option_number("requests", 2000), wrong = 0, sum = 0;

	apic_enable();
	set_irq_handler(VECTOR, on_message);
	find_controller();
	irq_on();
	start_controller();
	page_out = alloc_page();
	page_in = alloc_page();
	for (u64 n = 0; n < requests / 2; n++) {
		for (unsigned int i = 0; i < PAGE_SIZE / 8; i++)
			((u64 *)page_out)[i] = n * 0x9e3779b97f4a7c15 + i;
		wrong += transfer(1, page_out, n) != 0;
		wrong += transfer(2, page_in, n) != 0;
		wrong += memcmp(page_in, page_out, PAGE_SIZE) != 0;
		sum += ((u64 *)page_in)[n % 512];
	}
	irq_off();
	EXPECT_EQ(wrong, 0);
	EXPECT(messages >= requests / 2, "%lu messages", messages);
	printk("nvme: %lu requests, %lu messages, sum %#lx\n", requests, messages, sum);
}
