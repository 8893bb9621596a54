/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two of these run side by side without any Dom0 (test/system/pingpong.dts). They share a page that
 * one grants, and an event channel; the boot configuration names both.
 *
 * "role=ping" owns the page, at 4 MiB, and counts; "role=pong peer=DOMID" maps it
 * by reference 8 and answers. Each number must come back as its complement.
 * "seconds=N" says how long. Output goes to the PV console's ring.
 */
#include "lib/guest.h"

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/io/console.h>
#include <public/sched.h>

#define PORT 10
#define REF 8
#define SHARED_PAGE 0x400000ul

const char test_title[] = "pingpong";

struct shared {
	volatile u64 ping, pong;
	volatile u32 end;
};

static struct xencons_interface *ring;
static u32 ring_port;

static u64 hvm_param(u32 index)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };

	EXPECT_EQ(hvm_op(get_param, &p), 0);
	return p.value;
}

static void notify(u32 port)
{
	struct evtchn_send send = { port };

	EXPECT_EQ(evtchn_op(send, &send), 0);
}

static void say(const char *fmt, ...)
{
	char line[128];
	va_list args;
	int len, i;

	va_start(args, fmt);
	len = vsnprintk(line, sizeof(line), fmt, args);
	va_end(args);
	for (i = 0; i < len; i++) {
		while (ring->out_prod - READ_ONCE(ring->out_cons) == sizeof(ring->out))
			notify(ring_port);
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = line[i];
		__atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
	}
	notify(ring_port);
}

static void open_console(void)
{
	u64 va = find_va(), gfn = hvm_param(HVM_PARAM_CONSOLE_PFN);

	map_page(va, gfn << PAGE_SHIFT, PTE_P | PTE_W);
	ring = (struct xencons_interface *)va;
	ring_port = hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
}

/* Waits for an event from the other end, at most PATIENCE_NS, and clears it. */
static bool wait_event(void)
{
	evtchn_port_t port = PORT;
	struct sched_poll poll = { .nr_ports = 1, .timeout = now_ns() + PATIENCE_NS };

	poll.ports = (u64)&port;
	EXPECT_EQ(sched_op(poll, &poll), 0);
	return __atomic_fetch_and(&shared_info->evtchn_pending[0], ~(1ull << PORT),
				  __ATOMIC_SEQ_CST) >> PORT & 1;
}

static struct shared *map_granted(domid_t owner)
{
	u64 gpa = find_hole() << PAGE_SHIFT, va = find_va();
	struct gnttab_map_grant_ref map = {
		.host_addr = gpa,
		.flags = GNTMAP_host_map,
		.ref = REF,
		.dom = owner,
	};

	EXPECT_EQ(grant_op(map_grant_ref, &map, 1), 0);
	if (map.status != GNTST_okay) {
		say("reference %u of domain %u cannot be mapped: status %d\n", REF, owner, map.status);
		error_stop("no shared page");
	}
	map_page(va, gpa, PTE_P | PTE_W);
	return (struct shared *)va;
}

static u64 ping(struct shared *s, u64 end)
{
	u64 n = 0;

	while (now_ns() < end) {
		s->ping = ++n;
		notify(PORT);
		while (s->pong != ~n) {
			if (!wait_event()) {
				say("no answer to %lu\n", n);
				EXPECT(false, "no answer");
				return n;
			}
		}
	}
	s->end = 1;
	notify(PORT);
	return n;
}

static u64 pong(struct shared *s, u64 end)
{
	u64 n = 0;

	while (!s->end && now_ns() < end) {
		if (!wait_event() || s->ping == n)
			continue;
		EXPECT_EQ(s->ping, n + 1);
		n = s->ping;
		s->pong = ~n;
		notify(PORT);
	}
	EXPECT(s->end, "the other end never said that it is done");
	return n;
}

void test_main(void)
{
	const char *role = option("role");
	u64 rounds, end = now_ns() + option_number("seconds", 60) * 1000000000ull;

	open_console();
	/* The port stays masked, because it is polled only. */
	__atomic_fetch_or(&shared_info->evtchn_mask[0], 1ull << PORT, __ATOMIC_SEQ_CST);
	if (role && !strncmp(role, "ping", 4))
		rounds = ping((struct shared *)SHARED_PAGE, end);
	else
		rounds = pong(map_granted((domid_t)option_number("peer", 1)), end + 5000000000ull);
	EXPECT(rounds > 100, "only %lu rounds", rounds);
	say("%s: %lu rounds, %s\n", role && !strncmp(role, "ping", 4) ? "ping" : "pong", rounds,
	    rounds > 100 ? "all numbers came back" : "too few");
}
