/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/evtchn.c common/evtchn_deliver.c common/evtchn_fifo.c common/grant.c
 * common/grant_map.c common/grant_copy.c common/spinlock.c */
/*
 * Two domains execute any sequence of event channel and grant operations. A simple model says what
 * each operation must return, and what must hold after it. Each operation takes four bytes of the
 * input: its number and three arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "common/grant_internal.h"
#include "common/hypercall.h"
#include "test/abi/refused.h"

#include "fake.h"

#define DOMAINS 2
#define VCPUS 2
#define MAX_PORT 20
#define REFS 8
#define GFNS 16		/* 0..7 are RAM at first, 8..15 scratch */
#define HANDLES 256

#define REQUIRE(c) \
	do { if (!(c)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); abort(); } } while (0)

struct model_port {
	u8 state;
	u16 remote;
	u32 remote_port, vcpu, virq;
	bool pending, masked;
};

struct model_ref {
	u16 flags, domid, grantee;
	u32 gfn;
	unsigned int readers, writers;
};

struct model_handle {
	bool used, readonly;
	u16 granter;
	u32 ref, gfn;
};

static struct domain *doms[DOMAINS];
static struct model_port ports[DOMAINS][MAX_PORT + 1];
static struct model_ref refs[DOMAINS][REFS];
static struct model_handle handles[DOMAINS][HANDLES];
static unsigned int me;

/* --- Event channels --- */
static long evtchn_op(unsigned long cmd, void *arg)
{
	return do_event_channel_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static int model_free_port(unsigned int d)
{
	for (int p = 1; p <= MAX_PORT; p++)
		if (ports[d][p].state == EC_FREE)
			return p;
	return -ENOSPC;
}

/* A port changes its use. Its mask bit stays as it is, because the guest owns it. */
static void model_take(unsigned int d, u32 port, struct model_port use)
{
	use.masked = ports[d][port].masked;
	ports[d][port] = use;
}

static void model_close(unsigned int d, u32 port)
{
	struct model_port *p = &ports[d][port];

	if (p->state == EC_INTERDOMAIN) {
		struct model_port *peer = &ports[p->remote][p->remote_port];

		peer->state = EC_UNBOUND;
		peer->remote = (u16)d;
	}
	model_take(d, port, (struct model_port){});
}

static bool valid_port(u32 port)
{
	return port < EVTCHN_PER_PAGE; /* the port has an entry, used or not */
}

static u32 port_arg(u8 x)
{
	static const u32 odd[] = { 0, MAX_PORT + 1, 127, 128, 4095, 4096, ~0u };

	return x < 200 ? x % (MAX_PORT + 1) : odd[x % 7];
}

static u16 dom_arg(u8 x)
{
	return x < 230 ? x % DOMAINS : x < 250 ? DOMID_SELF : 7;
}

static void op_alloc_unbound(u8 a, u8 b, bool fault)
{
	struct evtchn_alloc_unbound op = { .dom = dom_arg(a), .remote_dom = dom_arg(b) };
	unsigned int d = op.dom == DOMID_SELF ? me : op.dom;
	long want = d != me && me != 0 ? -EPERM : d >= DOMAINS ? -ESRCH : model_free_port(d), rc;

	if (fault)
		fake_guest_fault_nth(2);
	rc = evtchn_op(EVTCHNOP_alloc_unbound, &op);
	if (fault && want > 0) {
		REQUIRE(rc == -EFAULT);
		model_take(d, (u32)want, (struct model_port){});
	} else if (want > 0) {
		REQUIRE(rc == 0 && op.port == want);
		model_take(d, op.port, (struct model_port){ .state = EC_UNBOUND,
			.remote = op.remote_dom == DOMID_SELF ? (u16)me : op.remote_dom });
	} else {
		REQUIRE(rc == want);
	}
}

static void op_bind_interdomain(u8 a, u8 b, bool fault)
{
	struct evtchn_bind_interdomain op = { .remote_dom = dom_arg(a), .remote_port = port_arg(b) };
	unsigned int d = op.remote_dom == DOMID_SELF ? me : op.remote_dom;
	u32 rp = op.remote_port;
	long want = d >= DOMAINS ? -ESRCH : model_free_port(me), rc;

	if (want > 0 && (rp > MAX_PORT || ports[d][rp].state != EC_UNBOUND || ports[d][rp].remote != me))
		want = -EINVAL;
	if (fault)
		fake_guest_fault_nth(2);
	rc = evtchn_op(EVTCHNOP_bind_interdomain, &op);
	if (want <= 0) {
		REQUIRE(rc == want);
		return;
	}
	model_take(me, (u32)want,
		   (struct model_port){ .state = EC_INTERDOMAIN, .remote = (u16)d, .remote_port = rp,
						       .pending = true });
	ports[d][rp].state = EC_INTERDOMAIN;
	ports[d][rp].remote = (u16)me;
	ports[d][rp].remote_port = (u32)want;
	if (fault) {
		REQUIRE(rc == -EFAULT);
		model_close(me, (u32)want);
	} else {
		REQUIRE(rc == 0 && op.local_port == want);
	}
}

static bool global_virq(u32 virq)
{
	return !(virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU);
}

static long virq_port(unsigned int d, u32 virq, u32 vcpu)
{
	for (int p = 1; p <= MAX_PORT; p++)
		if (ports[d][p].state == EC_VIRQ && ports[d][p].virq == virq &&
		    (global_virq(virq) || ports[d][p].vcpu == vcpu))
			return p;
	return 0;
}

static void op_bind_virq(u8 a, u8 b, bool fault)
{
	struct evtchn_bind_virq op = { .virq = a % 26, .vcpu = b % (VCPUS + 1) };
	long want, rc;

	if (op.virq >= 24 || (global_virq(op.virq) && op.vcpu))
		want = -EINVAL;
	else if (op.vcpu >= VCPUS)
		want = -ENOENT;
	else
		want = virq_port(me, op.virq, op.vcpu) ? -EEXIST : model_free_port(me);
	if (fault)
		fake_guest_fault_nth(2);
	rc = evtchn_op(EVTCHNOP_bind_virq, &op);
	if (want > 0)
		model_take(me, (u32)want, fault ? (struct model_port){} :
			   (struct model_port){ .state = EC_VIRQ, .virq = op.virq, .vcpu = op.vcpu });
	REQUIRE(want > 0 ? rc == (fault ? -EFAULT : 0) : rc == want);
}

static void op_bind_ipi(u8 a)
{
	struct evtchn_bind_ipi op = { .vcpu = a % (VCPUS + 1) };
	long want = op.vcpu >= VCPUS ? -ENOENT : model_free_port(me);
	long rc = evtchn_op(EVTCHNOP_bind_ipi, &op);

	REQUIRE(want > 0 ? rc == 0 && op.port == want : rc == want);
	if (want > 0)
		model_take(me, op.port, (struct model_port){ .state = EC_IPI, .vcpu = op.vcpu });
}

static void op_close(u8 a)
{
	struct evtchn_close op = { port_arg(a) };
	bool there = op.port <= MAX_PORT && ports[me][op.port].state != EC_FREE;

	REQUIRE(evtchn_op(EVTCHNOP_close, &op) == (there ? 0 : -EINVAL));
	if (there)
		model_close(me, op.port);
}

static void op_send(u8 a)
{
	struct evtchn_send op = { port_arg(a) };
	struct model_port *p = &ports[me][op.port <= MAX_PORT ? op.port : 0];
	bool can = p->state == EC_INTERDOMAIN || p->state == EC_IPI || p->state == EC_UNBOUND;

	REQUIRE(evtchn_op(EVTCHNOP_send, &op) == (can ? 0 : -EINVAL));
	if (p->state == EC_INTERDOMAIN)
		ports[p->remote][p->remote_port].pending = true;
	if (p->state == EC_IPI)
		p->pending = true;
}

static void op_virq(u8 a, u8 b)
{
	u32 virq = a % 24, vcpu = b % VCPUS;
	unsigned int d = global_virq(virq) ? 0 : me;
	long port = virq_port(d, virq, vcpu);

	if (global_virq(virq))
		send_global_virq(virq);
	else
		send_vcpu_virq(doms[d]->vcpu[vcpu], virq);
	if (port)
		ports[d][port].pending = true;
}

static void op_bind_vcpu(u8 a, u8 b)
{
	struct evtchn_bind_vcpu op = { .port = port_arg(a), .vcpu = b % (VCPUS + 1) };
	struct model_port *p = &ports[me][op.port <= MAX_PORT ? op.port : 0];
	bool moves = p->state == EC_UNBOUND || p->state == EC_INTERDOMAIN ||
		     (p->state == EC_VIRQ && global_virq(p->virq));
	long want = op.vcpu >= VCPUS ? -ENOENT : moves ? 0 : -EINVAL;

	REQUIRE(evtchn_op(EVTCHNOP_bind_vcpu, &op) == want);
	if (want == 0)
		p->vcpu = op.vcpu;
}

static void op_unmask(u8 a)
{
	struct evtchn_unmask op = { port_arg(a) };

	REQUIRE(evtchn_op(EVTCHNOP_unmask, &op) == (valid_port(op.port) ? 0 : -EINVAL));
	if (op.port <= MAX_PORT)
		ports[me][op.port].masked = false;
}

static void op_reset(void)
{
	struct evtchn_reset op = { DOMID_SELF };
	u32 cmd = EVTCHNOP_reset;

	while (evtchn_op(cmd, &op) == -ERESTART)
		cmd = (u32)fake_continuation.args[0];
	for (u32 p = 1; p <= MAX_PORT; p++)
		model_close(me, p);
}

/* The guest changes its own bits: it masks a port, or clears all that is pending. */
static void op_guest_bits(u8 a, u8 b)
{
	struct shared_info *s = doms[me]->shared_info;

	if (b & 1) {
		set_bit(a % (MAX_PORT + 1), s->evtchn_mask);
		ports[me][a % (MAX_PORT + 1)].masked = true;
		return;
	}
	memset(s->evtchn_pending, 0, sizeof(s->evtchn_pending));
	for (unsigned int i = 0; i < VCPUS; i++)
		s->vcpu_info[i].evtchn_pending_sel = s->vcpu_info[i].evtchn_upcall_pending = 0;
	for (unsigned int p = 0; p <= MAX_PORT; p++)
		ports[me][p].pending = false;
}

static void check_ports(unsigned int d)
{
	for (u32 p = 0; p <= MAX_PORT; p++) {
		struct model_port *m = &ports[d][p];
		const struct evtchn *chn = evtchn_lookup(&doms[d]->evtchn, p);
		struct vcpu_info *info;

		REQUIRE(chn->state == m->state && !(chn->seq & 1));
		REQUIRE(test_bit(p, doms[d]->shared_info->evtchn_pending) == m->pending);
		REQUIRE(test_bit(p, doms[d]->shared_info->evtchn_mask) == m->masked);
		if (m->state == EC_FREE)
			continue;
		REQUIRE(chn->vcpu == m->vcpu);
		if (m->state == EC_UNBOUND || m->state == EC_INTERDOMAIN)
			REQUIRE(chn->remote_dom == m->remote);
		if (m->state == EC_INTERDOMAIN) {
			REQUIRE(chn->remote_port == m->remote_port && chn->remote == doms[m->remote]);
			REQUIRE(ports[m->remote][m->remote_port].state == EC_INTERDOMAIN);
		}
		/* Some vCPU was told of a pending, unmasked port. */
		if (m->pending && !m->masked) {
			bool announced = false;

			for (unsigned int i = 0; i < VCPUS; i++) {
				info = &doms[d]->shared_info->vcpu_info[i];
				announced |= info->evtchn_upcall_pending && info->evtchn_pending_sel & BIT(p / 64);
			}
			REQUIRE(announced);
		}
	}
}

/* --- Grants --- */
static long grant_op(unsigned long cmd, void *arg)
{
	return do_grant_table_op(cmd, (unsigned long)arg, 1, 0, 0);
}

static struct grant_entry_v1 *entry(unsigned int d, u32 ref)
{
	return (struct grant_entry_v1 *)grant_table_frame(doms[d], 0) + ref;
}

static void op_grant(u8 a, u8 b, u8 c)
{
	static const u16 flags[] = { GTF_permit_access, GTF_permit_access | GTF_readonly, GTF_invalid,
				     GTF_accept_transfer, GTF_permit_access | 0x100 };
	struct model_ref *r = &refs[me][a % REFS];

	r->flags = flags[b % 5];
	r->domid = b / 5 % 3;
	r->gfn = c % (GFNS + 1);
	*entry(me, a % REFS) = (struct grant_entry_v1){ r->flags, r->domid, r->gfn };
}

static enum p2m_type type_at(unsigned int d, gfn_t gfn)
{
	enum p2m_type t;

	p2m_get(doms[d], gfn, &t, NULL);
	return t;
}

/* What pinning returns, and how it changes the flags that the granter sees. */
static s16 model_pin(unsigned int g, u32 ref, bool readonly)
{
	struct model_ref *r = &refs[g][ref % REFS];
	bool pinned = r->readers || r->writers;

	if (ref >= GRANTS_PER_FRAME)
		return GNTST_bad_gntref;
	if (pinned && r->grantee != me)
		return GNTST_general_error;
	if ((readonly ? r->readers : r->writers) == 255)
		return GNTST_general_error;
	if (!pinned || (!readonly && !r->writers)) {
		if ((r->flags & GTF_type_mask) != GTF_permit_access || r->domid != me)
			return GNTST_general_error;
		if (!readonly && r->flags & GTF_readonly)
			return GNTST_general_error;
		if (!pinned && type_at(g, r->gfn) != P2M_RAM) {
			/* The flags were set, then cleared again. */
			r->flags &= (u16)~(GTF_reading | GTF_writing);
			return GNTST_bad_page;
		}
		r->flags |= readonly ? GTF_reading : GTF_reading | GTF_writing;
	}
	r->grantee = (u16)me;
	if (readonly)
		r->readers++;
	else
		r->writers++;
	return GNTST_okay;
}

static void model_unpin(unsigned int g, u32 ref, bool readonly)
{
	struct model_ref *r = &refs[g][ref];

	if (readonly)
		r->readers--;
	else
		r->writers--;
	if (!r->writers)
		r->flags &= (u16)~GTF_writing;
	if (!r->writers && !r->readers)
		r->flags &= (u16)~GTF_reading;
}

static void op_map(u8 a, u8 b, u8 c, bool fault)
{
	struct gnttab_map_grant_ref op = { .dom = a & 0x80 ? dom_arg((u8)(a * 2)) : a % DOMAINS,
		.ref = a & 0x40 ? 512u + a : b % REFS, .host_addr = (u64)(c % GFNS) << PAGE_SHIFT,
		.flags = c & 0x80 ? GNTMAP_host_map | GNTMAP_readonly : GNTMAP_host_map };
	unsigned int live = 0;
	s16 want;

	for (unsigned int i = 0; i < HANDLES; i++)
		live += handles[me][i].used;
	if (op.dom >= DOMAINS)
		want = GNTST_bad_domain;
	else if (live == HANDLES)
		want = GNTST_no_space;
	else
		want = model_pin(op.dom, op.ref, op.flags & GNTMAP_readonly);
	if (fault)
		fake_guest_fault_nth(2);
	REQUIRE(grant_op(GNTTABOP_map_grant_ref, &op) == (fault ? -EFAULT : 0));
	if (fault) {
		if (want == GNTST_okay)
			model_unpin(op.dom, op.ref, op.flags & GNTMAP_readonly);
		return;
	}
	REQUIRE(op.status == want);
	if (want != GNTST_okay)
		return;
	REQUIRE(op.handle < HANDLES && !handles[me][op.handle].used);
	handles[me][op.handle] = (struct model_handle){ true, op.flags & GNTMAP_readonly, op.dom, op.ref,
							c % GFNS };
	REQUIRE(type_at(me, c % GFNS) == (op.flags & GNTMAP_readonly ? P2M_GRANT_RO : P2M_GRANT_RW));
}

static void op_unmap(u8 a, u8 b)
{
	struct gnttab_unmap_grant_ref op = { .handle = b & 0x80 ? 250u + b : a };
	struct model_handle *h = &handles[me][op.handle % HANDLES];
	bool there = op.handle < HANDLES && h->used;

	op.host_addr = (u64)(b & 0x40 ? b % GFNS : h->gfn) << PAGE_SHIFT;
	REQUIRE(grant_op(GNTTABOP_unmap_grant_ref, &op) == 0);
	if (!there) {
		REQUIRE(op.status == GNTST_bad_handle);
	} else if (op.host_addr >> PAGE_SHIFT != h->gfn) {
		REQUIRE(op.status == GNTST_general_error);
	} else {
		REQUIRE(op.status == GNTST_okay);
		model_unpin(h->granter, h->ref, h->readonly);
		h->used = false;
	}
}

static void op_copy(u8 a, u8 b, u8 c)
{
	struct gnttab_copy op = { .source = { .u.ref = b % REFS, .domid = a % DOMAINS,
					      .offset = (u16)(c * 20) },
		.dest = { .u.gmfn = c % GFNS, .domid = DOMID_SELF }, .len = 64, .flags = GNTCOPY_source_gref };
	enum p2m_type t = type_at(me, c % GFNS);
	s16 want = GNTST_bad_copy_arg;

	if (op.source.offset + 64u <= PAGE_SIZE) {
		want = model_pin(a % DOMAINS, b % REFS, true);
		if (want == GNTST_okay) {
			model_unpin(a % DOMAINS, b % REFS, true);
			want = p2m_is_writable(t) ? GNTST_okay : GNTST_bad_page;
		}
	}
	REQUIRE(grant_op(GNTTABOP_copy, &op) == 0);
	REQUIRE(op.status == want);
}

/* Ballooning: the guest adds or removes a page, whatever was there. */
static void op_memory(u8 a, u8 b)
{
	if (b & 1) {
		fake_populate(doms[me], a % GFNS);
		return;
	}
	p2m_write_lock(&doms[me]->p2m);
	REQUIRE(p2m_set(doms[me], a % GFNS, INVALID_MFN, 0, P2M_HOLE) == 0);
	p2m_write_unlock(doms[me]);
}

static u32 references_to(mfn_t mfn)
{
	u32 n = 0;

	for (unsigned int d = 0; d < DOMAINS; d++) {
		for (gfn_t gfn = 0; gfn < GFNS; gfn++)
			n += p2m_get(doms[d], gfn, &(enum p2m_type){ 0 }, NULL) == mfn;
		for (u32 r = 0; r < REFS; r++)
			n += (refs[d][r].readers || refs[d][r].writers) && grant_active(doms[d]->grant, r)->mfn == mfn;
	}
	return n;
}

static void check_grants(unsigned int d)
{
	for (u32 r = 0; r < REFS; r++) {
		const struct grant_active *act = grant_active(doms[d]->grant, r);

		REQUIRE(act->readers == refs[d][r].readers && act->writers == refs[d][r].writers);
		REQUIRE(entry(d, r)->flags == refs[d][r].flags);
		if (act->readers || act->writers)
			REQUIRE(act->grantee == refs[d][r].grantee &&
				mfn_to_page(act->mfn)->ref == references_to(act->mfn) &&
				mfn_to_page(act->mfn)->owner == d);
	}
	for (gfn_t gfn = 0; gfn < GFNS; gfn++) {
		mfn_t mfn = p2m_get(doms[d], gfn, &(enum p2m_type){ 0 }, NULL);

		if (mfn != INVALID_MFN)
			REQUIRE(mfn_to_page(mfn)->ref == references_to(mfn));
	}
}

static void step(const u8 *in)
{
	bool fault = in[0] & 0x80 && in[0] & 0x40;

	switch (in[0] % 20) {
	case 0: op_alloc_unbound(in[1], in[2], fault); break;
	case 1: op_bind_interdomain(in[1], in[2], fault); break;
	case 2: op_bind_virq(in[1], in[2], fault); break;
	case 3: op_bind_ipi(in[1]); break;
	case 4: op_close(in[1]); break;
	case 5: op_send(in[1]); break;
	case 6: op_virq(in[1], in[2]); break;
	case 7: op_bind_vcpu(in[1], in[2]); break;
	case 8: op_unmask(in[1]); break;
	case 9: if (in[1] == 0) op_reset(); break;
	case 10: op_guest_bits(in[1], in[2]); break;
	case 11: me = in[1] % DOMAINS; fake_run_on(0, doms[me]->vcpu[in[2] % VCPUS]); break;
	case 12: case 13: op_map(in[1], in[2], in[3], fault); break;
	case 14: op_unmap(in[1] % 16, in[2]); break;
	case 15: op_copy(in[1], in[2], in[3]); break;
	case 16: op_grant(in[1], in[2], in[3]); break;
	case 17: op_memory(in[1], in[2]); break;
	case 18: (void)do_event_channel_op(in[1], (u64)in[2] << 8, 0, 0, 0); break; /* faults */
	default: (void)do_grant_table_op(in[1], (u64)in[2] << 8, in[3], 0, 0);
	}
	fake_guest_fault_nth(0);
	for (unsigned int d = 0; d < DOMAINS; d++) {
		check_ports(d);
		check_grants(d);
	}
	fake_check_quiet();
}

static void start(void)
{
	fake_reset();
	memset(ports, 0, sizeof(ports));
	memset(refs, 0, sizeof(refs));
	memset(handles, 0, sizeof(handles));
	for (unsigned int d = 0; d < DOMAINS; d++) {
		doms[d] = fake_domain((domid_t)d, VCPUS);
		REQUIRE(evtchn_init(doms[d], MAX_PORT) == 0);
		REQUIRE(grant_init(doms[d], 1, 1) == 0);
		for (gfn_t gfn = 0; gfn < GFNS / 2; gfn++)
			fake_populate(doms[d], gfn);
	}
	me = 0;
	fake_run_on(0, doms[0]->vcpu[0]);
}

/* In the order of domain_destroy(). Nothing may be left. */
static void finish(void)
{
	for (unsigned int d = 0; d < DOMAINS; d++) {
		doms[d]->state = DOMAIN_DYING;
		while (evtchn_close_all(doms[d], &doms[d]->destroy_next_port) == -ERESTART)
			;
		while (grant_release_mappings(doms[d]) == -ERESTART)
			;
		while (p2m_teardown_step(doms[d]) == -ERESTART)
			;
	}
	for (unsigned int d = 0; d < DOMAINS; d++) {
		REQUIRE(doms[d]->tot_pages == 0);
		grant_free(doms[d]);
		evtchn_free(doms[d]);
		unshare_keel_page(doms[d]->shared_info);
	}
	REQUIRE(fake_live_pages() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	for (size_t i = 0; i + 4 <= size; i += 4)
		step(data + i);
	finish();
	return 0;
}
