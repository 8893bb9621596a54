/* SPDX-License-Identifier: GPL-2.0-only */
#include "uses.h"

#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>

struct store_ring *store_ring;
u32 store_port;
char store_answer[4097];

struct message {
	u32 type, id, tx, size;
};

static u64 hvm_param(u32 index)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };

	EXPECT_EQ(hvm_op(get_param, &p), 0);
	return p.value;
}

void store_open(void)
{
	u64 va = find_va();

	map_page(va, hvm_param(HVM_PARAM_STORE_PFN) << PAGE_SHIFT, PTE_P | PTE_W);
	store_ring = (struct store_ring *)va;
	store_port = hvm_param(HVM_PARAM_STORE_EVTCHN);
	__atomic_fetch_or(&shared_info->evtchn_mask[store_port / 64], 1ull << store_port % 64,
			  __ATOMIC_SEQ_CST);
}

static void patience(u64 end)
{
	if (now_ns() > end)
		error_stop("xenstored does not answer");
	wait_event(store_port);
}

static void put(const void *data, u32 size)
{
	u64 end = now_ns() + PATIENCE_NS;
	const u8 *p = data;

	while (size) {
		if (store_ring->req_prod - READ_ONCE(store_ring->req_cons) == sizeof(store_ring->req)) {
			notify(store_port);
			patience(end);
			continue;
		}
		store_ring->req[store_ring->req_prod % sizeof(store_ring->req)] = *p++;
		__atomic_store_n(&store_ring->req_prod, store_ring->req_prod + 1, __ATOMIC_RELEASE);
		size--;
	}
}

static void get(void *data, u32 size)
{
	u64 end = now_ns() + PATIENCE_NS;
	u8 *p = data;

	while (size) {
		if (READ_ONCE(store_ring->rsp_prod) == store_ring->rsp_cons) {
			patience(end);
			continue;
		}
		barrier();
		*p++ = store_ring->rsp[store_ring->rsp_cons % sizeof(store_ring->rsp)];
		__atomic_store_n(&store_ring->rsp_cons, store_ring->rsp_cons + 1, __ATOMIC_RELEASE);
		size--;
	}
	notify(store_port);
}

bool store_call(u32 type, const char *path, const void *data, u32 size)
{
	static u32 id;
	struct message m = { .type = type, .id = ++id, .size = strlen(path) + 1 + size };

	put(&m, sizeof(m));
	put(path, strlen(path) + 1);
	put(data, size);
	notify(store_port);
	do {	/* events of watches are passed over */
		get(&m, sizeof(m));
		if (m.size > 4096)
			error_stop("xenstored's answer is too long");
		get(store_answer, m.size);
		store_answer[m.size] = 0;
	} while (m.id != id);
	return m.type != STORE_ERROR;
}

const char *store_read(const char *fmt, ...)
{
	char path[128];
	va_list args;

	va_start(args, fmt);
	vsnprintk(path, sizeof(path), fmt, args);
	va_end(args);
	return store_call(STORE_READ, path, "", 0) ? store_answer : NULL;
}

bool store_write(const char *value, const char *fmt, ...)
{
	char path[128];
	va_list args;

	va_start(args, fmt);
	vsnprintk(path, sizeof(path), fmt, args);
	va_end(args);
	return store_call(STORE_WRITE, path, value, strlen(value));
}

void store_write_number(u64 value, const char *fmt, ...)
{
	char path[128], text[24];
	va_list args;

	va_start(args, fmt);
	vsnprintk(path, sizeof(path), fmt, args);
	va_end(args);
	snprintk(text, sizeof(text), "%lu", value);
	EXPECT(store_call(STORE_WRITE, path, text, strlen(text)), "%s", path);
}
