/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's PCI functions (xen/include/public/hvm/pvh_layout.h), and an NVMe driver. */
#ifndef TEST_GUEST_NVME_H
#define TEST_GUEST_NVME_H

#include "guest.h"

#include <public/hvm/pvh_layout.h>

#define PCI_COMMAND 0x04
#define PCI_BAR0    0x10
#define PCI_CAPS    0x34
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define CAP_EXPRESS 0x10
#define CAP_MSIX    0x11

/*
 * Configuration space. size is 1, 2, 4 or 8 bytes. bdf is bus << 8 for the function behind a port.
 */
u64 pci_read(u32 bdf, unsigned int reg, unsigned int size);
void pci_write(u32 bdf, unsigned int reg, unsigned int size, u64 value);
/* The capability's offset, or 0. */
unsigned int pci_cap(u32 bdf, u8 id);
/* The nth function's bdf, or 0. */
u32 pci_function(unsigned int nth);
void pci_place_bar(u32 bdf, u64 gpa);
/* Function-level reset, if it has one. Waits until the function answers again. */
void pci_reset(u32 bdf);

/* NVM Express 1.4, 3.1: registers, as indices of u32. */
#define NVME_CAP  0
#define NVME_CC   5
#define NVME_CSTS 7
#define NVME_AQA  9
#define NVME_ASQ  10
#define NVME_ACQ  12
#define NVME_BAR_PAGES 4
#define NVME_ENTRIES 16

#define NVME_IDENTIFY 0x06
#define NVME_WRITE 0x01
#define NVME_READ 0x02
#define NVME_SILENT (-1) /* no answer */

struct nvme_queue {
	volatile u32 *submit, *complete;
	u32 id, tail, head, phase;
};

struct nvme {
	u32 bdf;
	u64 gpa; /* of its BAR */
	volatile u32 *regs;
	u32 stride; /* between doorbells, as a shift */
	struct nvme_queue admin, io;
	u64 queues; /* gpa of four pages */
	bool interrupts; /* the I/O queue's completions raise message 0 */
};

/* Maps the BAR at its usual place, and turns on memory decoding and bus mastering. */
void nvme_open(struct nvme *n, u32 bdf);
/*
 * Enables the controller, with its queues at n->queues. with_io adds one pair of I/O queues. False:
 * it does not become ready.
 */
bool nvme_start(struct nvme *n, bool with_io);
void nvme_stop(struct nvme *n);
/*
 * Puts a command into the queue; nvme_submit() also rings the doorbell. nvme_wait() gets the
 * completion.
 */
void nvme_queue(struct nvme_queue *q, const u32 command[16]);
void nvme_ring(struct nvme *n, struct nvme_queue *q);
void nvme_submit(struct nvme *n, struct nvme_queue *q, const u32 command[16]);
/* The status of the next completion (0: success), or NVME_SILENT after ms. */
int nvme_wait(struct nvme *n, struct nvme_queue *q, unsigned int ms);
/*
 * Fills in a command with one page at gpa: Identify (admin), or 8 blocks of 512 bytes from `block`
 * on (io).
 */
void nvme_command(u32 command[16], u32 opcode, u64 gpa, u64 block);

#endif
