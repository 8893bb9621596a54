/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk, xvda (Xen's xen/include/public/io/blkif.h). */
#include "uses.h"

#define DEVICE "device/vbd/51712"
#define SLOTS 32
#define TRIES 600

struct blk_segment {
	u32 ref;
	u8 first, last, pad[2];
};

struct blk_request {
	u8 op, segments;
	u16 handle;
	u64 id, sector;
	struct blk_segment segment[11];
};

struct blk_ring {
	u32 req_prod, req_event, rsp_prod, rsp_event;
	u8 pad[48];
	union {
		struct blk_request req;
		struct {
			u64 id;
			u8 op;
			int16_t status;
		} rsp;
	} slot[SLOTS];
};

static struct blk_ring page PAGE_ALIGNED;
struct blk_ring *blk_ring = &page;
u32 blk_port;
static u32 consumed;

void blk_open(void)
{
	blk_ring->req_event = blk_ring->rsp_event = 1;
	blk_port = new_channel();
	wait_backend(DEVICE, 2);
	store_write_number(grant_page(blk_ring, false), DEVICE "/ring-ref");
	store_write_number(blk_port, DEVICE "/event-channel");
	EXPECT(store_write("x86_64-abi", DEVICE "/protocol"));
	store_write_number(3, DEVICE "/state");
	wait_backend(DEVICE, 4);
	store_write_number(4, DEVICE "/state");
}

int blk_transfer(bool write, u64 sector, void *p)
{
	struct blk_request *r = &blk_ring->slot[blk_ring->req_prod % SLOTS].req;
	unsigned int tries = 0;
	u32 ref = grant_page(p, write);
	int status;

	memset(r, 0, sizeof(*r));
	r->op = write;
	r->segments = 1;
	r->sector = sector;
	r->segment[0] = (struct blk_segment){ .ref = ref, .first = 0, .last = 7 };
	blk_ring->rsp_event = consumed + 1;
	__atomic_store_n(&blk_ring->req_prod, blk_ring->req_prod + 1, __ATOMIC_SEQ_CST);
	notify(blk_port);
	while (READ_ONCE(blk_ring->rsp_prod) == consumed && tries++ < TRIES)
		wait_event(blk_port);
	if (READ_ONCE(blk_ring->rsp_prod) == consumed)
		error_stop("the disk does not answer");
	barrier();
	status = blk_ring->slot[consumed++ % SLOTS].rsp.status;
	WRITE_ONCE(grants[ref].flags, 0);
	return status;
}
