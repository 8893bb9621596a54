/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with NVMe functions of its own, for test/system/vf. mode= says what it does with them:
 *   watch   writes to the disk from block at= on, through each function in turn, reads it back, and
 *           checks a part of its memory; reports each round and each error, until it is destroyed
 *           or rounds= are over
 *   busy    reads from the disk into its memory as fast as possible, and never ends
 *   hold    reads a register now and then
 *   harm    everything that a guest should not do: DMA to memory that is not its own, forged
 *           messages, BARs over everything, resets in the middle of I/O, random bytes in
 *           configuration space; then all of it at once from two vCPUs for seconds=, and it ends
 *           with I/O under way
 */
#include "lib/nvme.h"

#include <public/event_channel.h>
#include <public/memory.h>
#include <public/sched.h>

const char test_title[] = "vf";

#define MAX_FUNCTIONS 4
#define WATCHED (64 * 512)
#define BUFFERS 64
#define PORT_BUSES 0x18
#define NVME_TABLE (0x2000 / 4) /* QEMU's offset; on other controllers this is another register */

static u8 queues[MAX_FUNCTIONS][4 * PAGE_SIZE] PAGE_ALIGNED;
static u8 written[16][PAGE_SIZE] PAGE_ALIGNED, back[PAGE_SIZE] PAGE_ALIGNED;
static u8 buffer[BUFFERS][PAGE_SIZE] PAGE_ALIGNED;
static u64 watched[WATCHED];
static struct nvme disk[MAX_FUNCTIONS];
static unsigned int nr_disks;
static volatile u32 other_runs, other_stop;

static u64 next_random(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void open_disks(void)
{
	u32 bdf;

	while (nr_disks < MAX_FUNCTIONS && (bdf = pci_function(nr_disks))) {
		struct nvme *n = &disk[nr_disks];

		n->queues = (u64)queues[nr_disks++];
		nvme_open(n, bdf);
		EXPECT(nvme_start(n, true), "function %u: its controller does not start", bdf >> 8);
	}
	if (!nr_disks)
		error_stop("there is no function");
}

static int transfer(struct nvme *n, u32 opcode, void *page, u64 block)
{
	u32 command[16];

	nvme_command(command, opcode, (u64)page, block);
	nvme_submit(n, &n->io, command);
	return nvme_wait(n, &n->io, 20000);
}

/* --- watch --- */

static void fill(u64 seed)
{
	u64 state = seed;

	for (unsigned int i = 0; i < sizeof(written) / 8; i++)
		((u64 *)written)[i] = next_random(&state);
}

static u64 checksum; /* of the data read in this round */

static void watch_disk(struct nvme *n, u64 at)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(written); i++)
		EXPECT_EQ(transfer(n, NVME_WRITE, written[i], at + i * 8), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(written); i++) {
		memset(back, 0xaa, PAGE_SIZE);
		EXPECT_EQ(transfer(n, NVME_READ, back, at + i * 8), 0);
		EXPECT(!memcmp(back, written[i], PAGE_SIZE), "block %lu: not what was written", at + i * 8);
		for (unsigned int j = 0; j < PAGE_SIZE / 8; j++)
			checksum = (checksum << 1 | checksum >> 63) ^ ((u64 *)back)[j];
	}
}

static void watch(void)
{
	u64 at = option_number("at", 0), rounds = option_number("rounds", ~0ull), state = 1, said = 0;

	for (unsigned int i = 0; i < WATCHED; i++)
		watched[i] = next_random(&state);
	for (u64 round = 1; round <= rounds; round++) {
		fill(own_domid() * 1000003ull + round);
		checksum = 0;
		for (unsigned int i = 0; i < nr_disks; i++)
			watch_disk(&disk[i], at + i * sizeof(written) / 512);
		state = 1;
		for (unsigned int i = 0; i < WATCHED; i++)
			EXPECT_EQ(watched[i], next_random(&state));
		rest_ns(100000000);
		if (now_ns() < said && round < rounds)
			continue;
		said = now_ns() + 1000000000ull;
		printk("watch %lu: round %lu, %u functions, checksum %#lx\n", at, round, nr_disks, checksum);
	}
}

/* --- busy, hold --- */

/*
 * All reads at once, so that QEMU's controller takes them all before it completes the first
 * (reset_in_io()).
 */
static void submit_reads(struct nvme *n, u64 *state)
{
	u32 command[16];

	for (unsigned int i = 0; i < NVME_ENTRIES - 1; i++) {
		nvme_command(command, NVME_READ, (u64)buffer[next_random(state) % BUFFERS],
			     next_random(state) % 256 * 8);
		nvme_queue(&n->io, command);
	}
	nvme_ring(n, &n->io);
}

static void busy(void)
{
	u64 state = 1;

	for (u64 n = 0;; n++) {
		for (unsigned int i = 0; i < nr_disks; i++)
			submit_reads(&disk[i], &state);
		for (unsigned int i = 0; i < nr_disks * (NVME_ENTRIES - 1); i++)
			EXPECT_EQ(nvme_wait(&disk[i / (NVME_ENTRIES - 1)], &disk[i / (NVME_ENTRIES - 1)].io, 20000), 0);
		if (n == 3)
			printk("busy: reading\n");
	}
}

static void hold(void)
{
	printk("hold: CAP is %#x\n", disk[0].regs[NVME_CAP]);
	for (;;) {
		(void)disk[0].regs[NVME_CAP];
		rest_ns(100000000);
	}
}

/* --- harm --- */

/*
 * Addresses that are not this guest's: memory of the hypervisor and of other domains, interrupts,
 * registers, nothing at all.
 */
static const u64 not_ours[] = {
	0x100000, 0x8000000, 0x10000000, 0x40000000, 0x5ffff000, 0x7ff00000, 0xfd000000, 0xfeb00000,
	0xfec00000, 0x100000000, 0x8000000000, 0xf00000000000, 0xfffffffffffff000,
};

static bool is_own_memory(u64 gpa)
{
	for (unsigned int i = 0; i < nr_memory_ranges; i++)
		if (gpa - memory_map[i].addr < memory_map[i].size)
			return true;
	return false;
}

static void dma_outside(struct nvme *n)
{
	u32 command[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(not_ours); i++) {
		if (is_own_memory(not_ours[i]))
			continue;
		nvme_command(command, NVME_IDENTIFY, not_ours[i], 0);
		nvme_submit(n, &n->admin, command);
		nvme_wait(n, &n->admin, 1000); /* QEMU's controller ignores the error and reports success */
	}
	/* The queues themselves are misplaced. */
	nvme_stop(n);
	n->regs[NVME_ASQ] = n->regs[NVME_ACQ] = 0x100000;
	n->regs[NVME_ASQ + 1] = n->regs[NVME_ACQ + 1] = 1;
	n->regs[NVME_CC] = 6u << 16 | 4u << 20 | 1;
	delay_us(100000);
	n->regs[1024] = 1;
	delay_us(100000);
	pci_reset(n->bdf);
	nvme_open(n, n->bdf);
	EXPECT(nvme_start(n, true), "not usable after DMA to others' memory");
}

static volatile u32 *msix_table(struct nvme *n)
{
	unsigned int cap = pci_cap(n->bdf, CAP_MSIX);

	return cap ? n->regs + (pci_read(n->bdf, cap + 4, 4) & ~7u) / 4 : NULL;
}

/*
 * Messages to other CPUs, in other modes (SMI, NMI, INIT, ExtINT), in the remappable format, and to
 * memory.
 */
static void forge_messages(struct nvme *n, u64 *state)
{
	static const u32 where[] = { 0xfee00000, 0xfee01000, 0xfee02000, 0xfeeff000, 0xfee00010,
				     0xfee00018, 0xfee0001c, 0xfee0000c, 0x00100000, 0xfec00000, 0xfd000000 };
	volatile u32 *table = msix_table(n);
	unsigned int cap = pci_cap(n->bdf, CAP_MSIX);
	u32 command[16];

	EXPECT(table && cap, "no MSI-X");
	if (!table || !cap)
		return;
	for (unsigned int i = 0; i < 64; i++) {
		table[0] = where[next_random(state) % ARRAY_SIZE(where)];
		table[1] = next_random(state) % 4 ? 0 : (u32)next_random(state);
		table[2] = i < 8 ? i << 8 | 0x31 : (u32)next_random(state);
		table[3] = (u32)next_random(state) & 1;
		pci_write(n->bdf, cap + 2, 2, next_random(state) % 4 ? 0x8000 : next_random(state));
		nvme_command(command, NVME_IDENTIFY, (u64)back, 0);
		nvme_submit(n, &n->admin, command);
		EXPECT_EQ(nvme_wait(n, &n->admin, 10000), 0);
	}
	pci_write(n->bdf, cap + 2, 2, 0);
}

/*
 * BARs over memory, the local APIC, configuration space, another function, half outside the window,
 * nowhere.
 */
static void move_bars(struct nvme *n)
{
	u64 window_end = 2 * (n->gpa & ~0xffffffffull), version = apic_read(APIC_VERSION);
	u64 places[] = { (u64)buffer, 0xfee00000, PVH_PCI_ECAM_BASE, 0xfec00000, 0, window_end - PAGE_SIZE,
			 window_end, ~0ull << 14, nr_disks > 1 ? disk[1].gpa : (u64)buffer };
	u32 id = pci_read(n->bdf, 0, 4);

	memset(buffer, 0x5a, sizeof(buffer));
	if (nr_disks > 1)
		disk[1].regs[NVME_ASQ] = 0x7000;
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		pci_place_bar(n->bdf, places[i]);
		EXPECT_EQ(apic_read(APIC_VERSION), version);
		EXPECT_EQ(pci_read(n->bdf, 0, 4), id);
		for (unsigned int j = 0; j < BUFFERS; j++)
			EXPECT(buffer[j][NVME_ASQ * 4] == 0x5a, "a BAR lies over memory");
		EXPECT_EQ(n->regs[NVME_CAP], ~0u);
		if (nr_disks > 1)
			EXPECT_EQ(disk[1].regs[NVME_ASQ], 0x7000);
	}
	pci_place_bar(n->bdf, n->gpa);
	EXPECT(n->regs[NVME_CAP] != ~0u, "the BAR did not come back");
}

static void other_reads(void)
{
	u32 cap = disk[0].regs[NVME_CAP];

	other_runs = 1;
	while (!other_stop) {
		u32 value = disk[0].regs[NVME_CAP];

		EXPECT(value == cap || value == ~0u, "CAP is %#x", value);
	}
	other_stop = 0;
	for (;;)
		asm volatile("cli; hlt");
}

static void size_bars(struct nvme *n)
{
	unsigned int times = 2000;

	if (nr_vcpus < 2 || !start_cpu(1, other_reads) || !wait_for(&other_runs))
		error_stop("two vCPUs are needed");
	while (times--) {
		pci_place_bar(n->bdf, ~0ull);
		EXPECT_EQ(pci_read(n->bdf, PCI_BAR0 + 4, 4), ~0u);
		EXPECT_EQ(pci_read(n->bdf, PCI_BAR0, 4) & ~15u, ~0u << 14);
		pci_place_bar(n->bdf, n->gpa);
	}
	other_stop = 1;
	while (other_stop)
		cpu_relax();
}

/*
 * Wait first: QEMU 7.2 crashes if a reset finds commands that its controller has not taken from the
 * queue yet.
 */
static void reset_in_io(struct nvme *n, u64 *state)
{
	for (unsigned int i = 0; i < 10; i++) {
		submit_reads(n, state);
		EXPECT_EQ(nvme_wait(n, &n->io, 20000), 0);
		pci_reset(n->bdf);
		EXPECT_EQ(n->regs[NVME_CAP], ~0u);
		nvme_open(n, n->bdf);
		EXPECT(nvme_start(n, true), "not usable after reset %u", i);
	}
	EXPECT_EQ(transfer(n, NVME_READ, back, 0), 0);
}

static u64 any_address(u64 *state)
{
	switch (next_random(state) % 4) {
	case 0:
		return (u64)buffer[next_random(state) % BUFFERS];
	case 1:
		return not_ours[next_random(state) % ARRAY_SIZE(not_ours)];
	case 2:
		return next_random(state) & 0xffffffff000;
	default:
		return disk[0].gpa + next_random(state) % 8 * PAGE_SIZE;
	}
}

/* A word of an MSI-X entry. */
static u32 any_message(u64 *state, unsigned int word)
{
	u32 r = (u32)next_random(state);

	switch (word) {
	case 0:
		return r & 1 ? r : 0xfee00000 | (r & 0x1ffc);
	case 1:
		return r & 1 ? r : 0;
	case 2:
		return r & 1 ? r : r & 0x7ff;
	default:
		return r & 1;
	}
}

/* All of the above at random, from two vCPUs, without looking at the results. */
static void any_harm(struct nvme *n, u64 *state)
{
	u64 r = next_random(state);
	u32 bdf = r & 7 ? n->bdf : r >> 8 & 0xffff, command[16];
	unsigned int size = 1u << (r >> 24 & 3), reg = (r >> 32 & (r & 0xf0 ? 0xff : 0xfff)) & ~(size - 1);

	switch (r >> 48 & 7) {
	case 0 ... 2:
		pci_write(bdf % (PVH_PCI_BUSES << 8), reg, size, next_random(state));
		break;
	case 3:
		pci_place_bar(n->bdf, r >> 56 & 1 ? any_address(state) : n->gpa);
		break;
	case 4:
		pci_write(n->bdf, PCI_COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER);
		break;
	case 5:
		n->regs[NVME_TABLE + (r >> 56 & 15)] = any_message(state, r >> 56 & 3);
		break;
	case 6:
		nvme_command(command, NVME_IDENTIFY, any_address(state), 0);
		nvme_submit(n, &n->admin, command);
		break;
	default:
		n->regs[r >> 56 & 1 ? NVME_CC : 1024 + (r >> 57 & 3)] = (u32)next_random(state) & 15;
	}
}

static volatile u64 storm_end;

static void storm(void)
{
	u64 state = option_number("seed", 1) + this_cpu()->id, n = 0;

	for (; now_ns() < storm_end; n++) {
		struct nvme private = disk[0]; /* each vCPU has its own, wrong places of the queues */

		any_harm(&private, &state);
		if (n % 512 == 511 && !this_cpu()->id) { /* the controller should not stay off */
			nvme_open(&disk[0], disk[0].bdf);
			disk[0].regs[NVME_CC] = 6u << 16 | 4u << 20 | 1;
		}
	}
	printk("storm: %lu by vCPU %u\n", n, this_cpu()->id);
}

static void other_storms(void)
{
	storm();
	other_stop = 1;
	for (;;)
		asm volatile("cli; hlt");
}

/* Restores the ports, and makes the function usable again. */
static void calm(struct nvme *n)
{
	for (u32 i = 0; i + 1 < PVH_PCI_BUSES; i++)
		pci_write(i << 3, PORT_BUSES, 4, (i + 1) << 16 | (i + 1) << 8);
	pci_reset(n->bdf);
	nvme_open(n, n->bdf);
	EXPECT(nvme_start(n, true), "not usable after the storm");
	EXPECT_EQ(transfer(n, NVME_READ, back, 0), 0);
}

static void harm(void)
{
	struct nvme *n = &disk[0];
	u64 state = option_number("seed", 1);

	printk("harm: DMA\n");
	dma_outside(n);
	printk("harm: messages\n");
	forge_messages(n, &state);
	printk("harm: BARs\n");
	move_bars(n);
	size_bars(n);
	printk("harm: resets\n");
	reset_in_io(n, &state);
	printk("harm: storm\n");
	nvme_start(n, false);
	storm_end = now_ns() + option_number("seconds", 5) * 1000000000;
	EXPECT(start_cpu(1, other_storms), "vCPU 1 does not start again");
	storm();
	while (!other_stop)
		cpu_relax();
	calm(n);
	submit_reads(n, &state);
}

void test_main(void)
{
	const char *mode = option("mode");

	open_disks();
	if (mode && !strncmp(mode, "watch", 5))
		watch();
	else if (mode && !strncmp(mode, "busy", 4))
		busy();
	else if (mode && !strncmp(mode, "hold", 4))
		hold();
	else if (mode && !strncmp(mode, "harm", 4))
		harm();
	else
		error_stop("mode=watch, busy, hold or harm");
}
