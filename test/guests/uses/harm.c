/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest does that wants to hurt others: it must hurt itself alone. */
#include "uses.h"

#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/io/console.h>

static u64 state;

static u32 any(void)
{
	return random_next(&state) >> 32;
}

/* Random bytes over a page that Dom0 reads, and events for it. */
static void spoil(void *page, u32 port)
{
	u32 *words = page;
	u32 n = any() % 64;

	while (n--)
		words[any() % (any() & 1 ? 16 : PAGE_SIZE / 4)] = any() & 1 ? any() : any() % 256;
	notify(port);
}

/* How many of these xenstored lets the guest have: nodes, watches, transactions. */
static u32 take(u32 type)
{
	static const char value[] = "a value of some length, so that memory is used, but by far not all that there is";
	char path[32];
	u32 i;

	for (i = 0; i < 5000; i++) {
		snprintk(path, sizeof(path), "data/%u", i);
		if (type == STORE_WRITE ? !store_call(type, path, value, sizeof(value) - 1) :
		    type == STORE_WATCH ? !store_call(type, path, "token", 6) : !store_call(type, "", "", 0))
			break;
	}
	return i;
}

/* As much as xenstored gives, what it must not give, then messages that are none. */
static void harm_store(u64 end)
{
	u32 nodes = take(STORE_WRITE), watches = take(STORE_WATCH), transactions = take(STORE_TRANSACTION);
	u32 foreign = 0;
	char text[96];

	for (u32 i = 0; i < 20; i++) {
		snprintk(text, sizeof(text), "/local/domain/0/backend/%u", i);
		foreign += store_call(STORE_WRITE, text, "x", 1) + store_call(STORE_MKDIR, text, "", 0);
	}
	snprintk(text, sizeof(text), "%u nodes, %u watches, %u transactions, %u of others", nodes, watches,
		 transactions, foreign);
	store_write(text, "data/0");
	for (; now_ns() < end; rest_ns(1000000))
		spoil(store_ring, store_port);
}

static void harm_rings(u64 end)
{
	for (; now_ns() < end; rest_ns(1000000)) {
		spoil(blk_ring, blk_port);
		spoil(net_tx_ring, net_tx_port);
		spoil(net_rx_ring, net_port);
	}
}

/* Grants change while Dom0 uses them; devices come and go in xenstore. */
static void harm_grants(u64 end)
{
	static const char *const nodes[] = {
		"device/vbd/51712/state", "device/vif/0/state", "device/vbd/51712/ring-ref",
		"device/vif/0/tx-ring-ref", "device/vif/0/event-channel-rx", "control/shutdown",
		"device/vbd/51712/backend", "device/vif/0/mac", "memory/target", "name", "domid",
	};
	const u32 ports[] = { blk_port, net_port, net_tx_port };
	char text[24];

	for (u32 i = 0; now_ns() < end; i++) {
		u32 ref = 2 + any() % 126;

		grants[ref].frame = any() % 4 ? any() % 0x2200 : any();
		grants[ref].domid = any() % 4 ? DOM0 : any();
		WRITE_ONCE(grants[ref].flags, any() % 2 ? GTF_permit_access : any());
		notify(ports[any() % ARRAY_SIZE(ports)]);
		if (i % 64)
			continue;
		snprintk(text, sizeof(text), "%u", any() % 2 ? any() % 9 : any());
		store_write(text, "%s", nodes[any() % ARRAY_SIZE(nodes)]);
	}
}

static void harm_console(u64 end)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CONSOLE_PFN };
	struct xen_hvm_param port = { .domid = DOMID_SELF, .index = HVM_PARAM_CONSOLE_EVTCHN };
	u64 va = find_va();
	struct xencons_interface *ring = (struct xencons_interface *)va;

	EXPECT_EQ(hvm_op(get_param, &p), 0);
	EXPECT_EQ(hvm_op(get_param, &port), 0);
	map_page(va, p.value << PAGE_SHIFT, PTE_P | PTE_W);
	while (now_ns() < end) {
		for (u32 i = 0; i < sizeof(ring->out); i++)
			ring->out[i] = any();
		ring->out_prod = any() % 4 ? ring->out_cons + sizeof(ring->out) : any();
		if (any() % 16 == 0)
			ring->in_prod = any();
		notify(port.value);
		rest_ns(1000000);
	}
}

bool harm(const char *mode, u64 ns, u64 seed)
{
	static const struct {
		const char *name;
		void (*run)(u64 end);
	} modes[] = {
		{ "store", harm_store }, { "rings", harm_rings }, { "grants", harm_grants },
		{ "console", harm_console },
	};

	state = random_seed(seed);
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strncmp(mode, modes[i].name, strlen(modes[i].name))) {
			modes[i].run(now_ns() + ns);
			return true;
		}
	return false;
}
