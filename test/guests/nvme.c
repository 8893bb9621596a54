/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Driver for an NVMe controller that the boot configuration gave this guest
 * (test/system/vf-boot-program.dts). It uses one pair of I/O queues and their MSI-X interrupt, and
 * makes "requests=N" requests (NVM Express 1.4). The benchmark counts exits between op_begin() and
 * op_end() (test/bench/run --nvme), and finds the doorbell's exits by op_doorbell().
 */
#include "lib/nvme.h"

#define VECTOR 0x61
#define SPAN 64u		/* how many pages of the disk are used */
#define BLOCKS 8u		/* in a page */

const char test_title[] = "nvme";

static struct nvme disk;
static u8 queues[4 * PAGE_SIZE] PAGE_ALIGNED;
static u8 page_out[PAGE_SIZE] PAGE_ALIGNED, page_in[PAGE_SIZE] PAGE_ALIGNED;
static volatile u64 messages;

static void on_message(struct regs *r)
{
	messages++;
	apic_write(APIC_EOI, 0);
}

/* The MSI-X table is in the registers' BAR. Message 0 goes to vCPU 0. */
static void aim_message(void)
{
	unsigned int msix = pci_cap(disk.bdf, CAP_MSIX);
	u32 table = msix ? (u32)pci_read(disk.bdf, msix + 4, 4) : 7;
	volatile u32 *entry;

	if (table & 7 || table >= NVME_BAR_PAGES * PAGE_SIZE)
		error_stop("no MSI-X, or its table is elsewhere");
	entry = disk.regs + table / 4;
	entry[0] = 0xfee00000;
	entry[1] = 0;
	entry[2] = VECTOR;
	entry[3] = 0;
	pci_write(disk.bdf, msix + 2, 2, 0x8000);
}

static int transfer(u32 opcode, const void *page, u64 n)
{
	u64 before = messages;
	u32 command[16];

	nvme_command(command, opcode, (u64)page, n % SPAN * BLOCKS);
	nvme_submit(&disk, &disk.io, command);
	irq_off();
	while (messages == before)
		asm volatile("sti; hlt; cli" ::: "memory");
	irq_on();
	return nvme_wait(&disk, &disk.io, 1000);
}

static volatile u32 counted;

NOINLINE static void op_begin(void) { counted = 1; }
NOINLINE static void op_end(void) { counted = 0; }

void test_main(void)
{
	u64 requests = option_number("requests", 2000), wrong = 0, sum = 0;
	u32 bdf = 1 << 8;

	apic_enable();
	set_irq_handler(VECTOR, on_message);
	if (pci_read(bdf, 0, 2) == 0xffff)
		skip("there is no PCI function (test/system/vf-boot gives one)");
	EXPECT_EQ(pci_read(bdf, 8, 4) >> 8, 0x010802);
	disk.interrupts = true;
	disk.queues = (u64)queues;
	nvme_open(&disk, bdf);
	aim_message();
	irq_on();
	if (!nvme_start(&disk, true))
		error_stop("the controller does not start");
	op_begin();
	for (u64 n = 0; n < requests / 2; n++) {
		for (unsigned int i = 0; i < PAGE_SIZE / 8; i++)
			((u64 *)page_out)[i] = n * 0x9e3779b97f4a7c15 + i;
		wrong += transfer(NVME_WRITE, page_out, n) != 0;
		wrong += transfer(NVME_READ, page_in, n) != 0;
		wrong += memcmp(page_in, page_out, PAGE_SIZE) != 0;
		sum += ((u64 *)page_in)[n % 512];
	}
	op_end();
	irq_off();
	EXPECT_EQ(wrong, 0);
	EXPECT(messages >= requests / 2, "%lu messages", messages);
	printk("nvme: %lu requests, %lu messages, sum %#lx\n", requests, messages, sum);
}
