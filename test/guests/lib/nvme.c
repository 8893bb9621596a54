/* SPDX-License-Identifier: GPL-2.0-only */
#include "nvme.h"

#include <public/sched.h>

#define READY 1u
#define ENABLE 1u
#define CC_SIZES (6u << 16 | 4u << 20) /* 64-byte and 16-byte entries */
#define CREATE_SUBMIT 0x01
#define CREATE_COMPLETE 0x05
#define INTERRUPTS 2u
#define EXPRESS_CONTROL 8
#define CONTROL_RESET (1u << 15)

static volatile void *config(u32 bdf, unsigned int reg)
{
	return (volatile void *)(PVH_PCI_ECAM_BASE + ((u64)bdf << 12) + reg);
}

u64 pci_read(u32 bdf, unsigned int reg, unsigned int size)
{
	volatile void *p = config(bdf, reg);

	switch (size) {
	case 1:
		return *(volatile u8 *)p;
	case 2:
		return *(volatile u16 *)p;
	case 4:
		return *(volatile u32 *)p;
	default:
		return *(volatile u64 *)p;
	}
}

void pci_write(u32 bdf, unsigned int reg, unsigned int size, u64 value)
{
	volatile void *p = config(bdf, reg);

	switch (size) {
	case 1:
		*(volatile u8 *)p = (u8)value;
		break;
	case 2:
		*(volatile u16 *)p = (u16)value;
		break;
	case 4:
		*(volatile u32 *)p = (u32)value;
		break;
	default:
		*(volatile u64 *)p = value;
	}
}

unsigned int pci_cap(u32 bdf, u8 id)
{
	unsigned int pos = pci_read(bdf, PCI_CAPS, 1);

	for (unsigned int i = 0; i < 48 && pos >= 0x40; i++) {
		if (pci_read(bdf, pos, 1) == id)
			return pos;
		pos = pci_read(bdf, pos + 1, 1) & 0xfc;
	}
	return 0;
}

u32 pci_function(unsigned int nth)
{
	for (u32 bus = 1; bus < PVH_PCI_BUSES; bus++)
		if (pci_read(bus << 8, 0, 2) != 0xffff && !nth--)
			return bus << 8;
	return 0;
}

void pci_place_bar(u32 bdf, u64 gpa)
{
	pci_write(bdf, PCI_BAR0, 4, (u32)gpa);
	pci_write(bdf, PCI_BAR0 + 4, 4, gpa >> 32);
}

void pci_reset(u32 bdf)
{
	unsigned int express = pci_cap(bdf, CAP_EXPRESS);

	if (!express)
		return;
	pci_write(bdf, express + EXPRESS_CONTROL, 2, CONTROL_RESET);
	delay_us(100000);
}

static u64 usual_place(u32 bdf)
{
	u32 a, b, c, d;

	cpuid(0x80000008, 0, &a, &b, &c, &d);
	return PVH_PCI_WINDOW_BASE(a & 0xff) + ((u64)bdf << 20);
}

void nvme_open(struct nvme *n, u32 bdf)
{
	u64 va = n->regs ? (u64)n->regs : find_va();

	n->bdf = bdf;
	n->gpa = usual_place(bdf);
	pci_write(bdf, PCI_COMMAND, 2, 0);
	pci_place_bar(bdf, n->gpa);
	pci_write(bdf, PCI_COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER);
	for (unsigned int i = 0; i < NVME_BAR_PAGES; i++)
		map_page(va + i * PAGE_SIZE, n->gpa + i * PAGE_SIZE, PTE_P | PTE_W | PTE_UC);
	n->regs = (volatile u32 *)va;
	n->stride = n->regs[NVME_CAP + 1] & 15;
}

static bool wait_ready(struct nvme *n, u32 ready)
{
	u64 end = now_ns() + 10000000000ull;

	while ((n->regs[NVME_CSTS] & READY) != ready && now_ns() < end)
		cpu_relax();
	return (n->regs[NVME_CSTS] & READY) == ready;
}

void nvme_stop(struct nvme *n)
{
	n->regs[NVME_CC] = 0;
	wait_ready(n, 0);
}

static void clear_queue(struct nvme *n, struct nvme_queue *q, u32 id)
{
	u64 pages = n->queues + id * 2 * PAGE_SIZE;

	*q = (struct nvme_queue){ .submit = (volatile u32 *)pages,
				  .complete = (volatile u32 *)(pages + PAGE_SIZE), .id = id, .phase = 1 };
	memset((void *)pages, 0, 2 * PAGE_SIZE);
}

/* The command's page is the queue itself. */
static bool create_queue(struct nvme *n, u32 opcode, volatile u32 *memory, u32 more)
{
	u32 command[16] = { 0 };

	nvme_command(command, opcode, (u64)memory, 0);
	command[1] = 0;
	command[10] = (NVME_ENTRIES - 1) << 16 | 1;
	command[11] = more | 1; /* physically contiguous */
	nvme_submit(n, &n->admin, command);
	return nvme_wait(n, &n->admin, 10000) == 0;
}

bool nvme_start(struct nvme *n, bool with_io)
{
	nvme_stop(n);
	clear_queue(n, &n->admin, 0);
	clear_queue(n, &n->io, 1);
	n->regs[NVME_AQA] = (NVME_ENTRIES - 1) << 16 | (NVME_ENTRIES - 1);
	n->regs[NVME_ASQ] = (u32)(u64)n->admin.submit;
	n->regs[NVME_ASQ + 1] = 0;
	n->regs[NVME_ACQ] = (u32)(u64)n->admin.complete;
	n->regs[NVME_ACQ + 1] = 0;
	n->regs[NVME_CC] = ENABLE | CC_SIZES;
	if (!wait_ready(n, READY))
		return false;
	return !with_io ||
	       (create_queue(n, CREATE_COMPLETE, n->io.complete, n->interrupts ? INTERRUPTS : 0) &&
			    create_queue(n, CREATE_SUBMIT, n->io.submit, 1 << 16));
}

/* The benchmark finds it by its name. */
NOINLINE static void op_doorbell(struct nvme *n, const struct nvme_queue *q, bool complete)
{
	n->regs[1024 + ((2 * q->id + complete) << n->stride)] = complete ? q->head : q->tail;
}

void nvme_queue(struct nvme_queue *q, const u32 command[16])
{
	for (unsigned int i = 0; i < 16; i++)
		q->submit[q->tail * 16 + i] = command[i] | (i ? 0 : q->tail << 16);
	q->tail = (q->tail + 1) % NVME_ENTRIES;
}

void nvme_ring(struct nvme *n, struct nvme_queue *q)
{
	op_doorbell(n, q, false);
}

void nvme_submit(struct nvme *n, struct nvme_queue *q, const u32 command[16])
{
	nvme_queue(q, command);
	nvme_ring(n, q);
}

int nvme_wait(struct nvme *n, struct nvme_queue *q, unsigned int ms)
{
	volatile u32 *status = &q->complete[q->head * 4 + 3];
	u64 end = now_ns() + ms * 1000000ull;
	u32 value;

	while (((value = *status) >> 16 & 1) != q->phase) {
		if (now_ns() >= end)
			return NVME_SILENT;
		sched_op(yield, 0); /* Dom0 needs the same CPUs */
	}
	q->head = (q->head + 1) % NVME_ENTRIES;
	q->phase ^= !q->head;
	op_doorbell(n, q, true);
	return value >> 17;
}

void nvme_command(u32 command[16], u32 opcode, u64 gpa, u64 block)
{
	memset(command, 0, 64);
	command[0] = opcode;
	command[1] = 1; /* namespace */
	command[6] = (u32)gpa;
	command[7] = gpa >> 32;
	command[10] = (u32)block;
	command[11] = block >> 32;
	command[12] = 7;
	if (opcode == NVME_IDENTIFY) {
		command[1] = 0;
		command[10] = 1; /* identify the controller */
	}
}
