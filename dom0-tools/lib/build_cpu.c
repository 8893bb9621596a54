/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"

#include <public/hvm/save.h>

static struct hyper_leaf *find_leaf(struct hyper_policy *p, uint32_t leaf, uint32_t subleaf)
{
	for (unsigned int i = 0; i < p->nr_leaves; i++)
		if (p->leaves[i].leaf == leaf &&
		    (p->leaves[i].subleaf == subleaf || p->leaves[i].subleaf == ~0u))
			return &p->leaves[i];
	return NULL;
}

/*
 * Topology: the hypervisor gives vCPU n the APIC id 2n, so that every core seems to have two
 * threads of which one exists. The fields that count ids are doubled to match (AMD APM volume 3
 * E.3.2, E.4.7; Intel SDM volume 2 CPUID leaves 1 and 4).
 */
static void fit_topology(struct hyper_policy *p)
{
	struct hyper_leaf *l = find_leaf(p, 1, 0);
	uint32_t n;

	if (l) {
		l->d |= 1u << 28;			/* HTT */
		n = l->b >> 16 & 0xff;
		if (n < 0x80)
			l->b = (l->b & ~(0xffu << 16)) | (n ? n * 2 : 2) << 16;
	}
	l = find_leaf(p, 0x80000001, 0);
	if (l)
		l->c &= ~2u;				/* CmpLegacy */
	l = find_leaf(p, 0x80000008, 0);
	if (l && (l->c & 0xff) < 0x7f) {
		uint32_t id_size = l->c >> 12 & 0xf;

		n = (l->c & 0xff) << 1 | 1;
		if (id_size && id_size != 0xf)
			id_size++;
		l->c = (l->c & ~0xf0ffu) | id_size << 12 | n;
	}
	for (uint32_t sub = 0; sub < 8; sub++) {
		l = find_leaf(p, 4, sub);
		if (!l || l->subleaf != sub || !(l->a & 0x1f))
			break;
		n = l->a >> 26 & 0x3f;
		n = (n << 1 | 1) & 0x3f;
		l->a = (l->a & 0x3fff) | n << 26;	/* no threads share a cache */
	}
}

int build_set_policy(struct build *b, struct hyper_policy *p)
{
	uint32_t leaf, msr;
	int rc = hyper_set_policy(b->k, b->domid, p, &leaf, &msr);

	if (!rc)
		return 0;
	if (leaf != ~0u)
		return keel_fail(&b->k->err, -rc, "the hypervisor refuses CPUID leaf %#x: %s", leaf,
				 strerror(-rc));
	if (msr != ~0u)
		return keel_fail(&b->k->err, -rc, "the hypervisor refuses MSR %#x: %s", msr,
				 strerror(-rc));
	return keel_fail(&b->k->err, -rc, "the hypervisor refuses the CPUID policy: %s",
			 strerror(-rc));
}

int build_policy(struct build *b)
{
	struct hyper_policy *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return keel_fail(&b->k->err, ENOMEM, "no memory");
	rc = hyper_default_policy(b->k, p);
	if (rc) {
		rc = keel_fail(&b->k->err, -rc, "cannot get the default CPUID policy: %s", strerror(-rc));
	} else {
		fit_topology(p);
		rc = build_set_policy(b, p);
	}
	free(p);
	return rc;
}

/* The saved-state stream: descriptors, each with its data behind it (hvm/save.h). */
#define MTRR_ENABLED_WRITE_BACK	0x806	/* Intel SDM volume 3, IA32_MTRR_DEF_TYPE */

struct context {
	unsigned char *data;
	size_t size, used;
};

static const struct hvm_save_descriptor *find_record(const struct context *s, unsigned int type)
{
	size_t at = 0;

	while (s->size - at >= sizeof(struct hvm_save_descriptor)) {
		const struct hvm_save_descriptor *r = (const struct hvm_save_descriptor *)(s->data + at);

		if (r->typecode == HVM_SAVE_CODE_END || r->length > s->size - at - sizeof(*r))
			return NULL;
		if (r->typecode == type && r->instance == 0)
			return r;
		at += sizeof(*r) + r->length;
	}
	return NULL;
}

static void *append(struct context *s, unsigned int type, unsigned int instance, const void *data,
		    size_t length)
{
	struct hvm_save_descriptor r = { type, instance, length };
	void *at = s->data + s->used + sizeof(r);

	if (s->size - s->used < sizeof(r) + length)
		return NULL;
	memcpy(s->data + s->used, &r, sizeof(r));
	if (length)
		memcpy(at, data, length);
	s->used += sizeof(r) + length;
	return at;
}

static int read_context(struct build *b, struct context *s)
{
	long size = hyper_get_context(b->k, b->domid, NULL, 0);

	if (size > 0) {
		s->data = malloc(size);
		if (!s->data)
			return -ENOMEM;
		size = hyper_get_context(b->k, b->domid, s->data, size);
	}
	if (size <= 0)
		return size ? size : -ENODATA;
	s->size = size;
	return 0;
}

/* 32-bit protected mode without paging at a PVH kernel's entry. */
static struct hvm_hw_cpu start_state(const struct build *b)
{
	struct hvm_hw_cpu c = { 0 };

	c.rip = b->kernel.entry;
	c.rbx = b->layout.start_info;
	c.rflags = 2;
	c.cr0 = 0x11;			/* PE, ET */
	c.cs_limit = c.ds_limit = c.es_limit = c.ss_limit = 0xffffffff;
	c.cs_arbytes = 0xc9b;
	c.ds_arbytes = c.es_arbytes = c.ss_arbytes = 0xc93;
	c.tr_limit = 0x67;
	c.tr_arbytes = 0x8b;
	c.dr6 = 0xffff0ff0;
	c.dr7 = 0x400;
	return c;
}

static int load_stream(struct build *b, const struct hvm_save_descriptor *header,
		       const struct hvm_save_descriptor *extra, const void *data, size_t length)
{
	unsigned char room[4096];
	struct context s = { room, sizeof(room), 0 };
	struct hvm_save_descriptor r = extra ? *extra
				       : (struct hvm_save_descriptor){ HVM_SAVE_CODE_CPU, 0, length };

	append(&s, HVM_SAVE_CODE_HEADER, 0, header + 1, header->length);
	append(&s, r.typecode, r.instance, data, length);
	append(&s, HVM_SAVE_CODE_END, 0, NULL, 0);
	return hyper_set_context(b->k, b->domid, room, s.used);
}

/* Each vCPU's MTRRs: memory is write-back, so that the guest's PAT decides alone. */
static int load_mtrrs(struct build *b, const struct hvm_save_descriptor *header,
		      const struct hvm_save_descriptor *mtrr)
{
	struct hvm_hw_mtrr m;
	int rc = 0;

	if (mtrr->length < sizeof(m))
		return -EINVAL;
	for (unsigned int i = 0; i < b->g->maxvcpus && !rc; i++) {
		struct hvm_save_descriptor r = { HVM_SAVE_CODE_MTRR, i, sizeof(m) };

		memcpy(&m, mtrr + 1, sizeof(m));
		m.msr_mtrr_def_type = MTRR_ENABLED_WRITE_BACK;
		rc = load_stream(b, header, &r, &m, sizeof(m));
	}
	return rc;
}

int build_vcpu(struct build *b)
{
	struct hvm_hw_cpu cpu = start_state(b);
	const struct hvm_save_descriptor *header, *mtrr;
	struct context s = { 0 };
	int rc;

	rc = read_context(b, &s);
	header = rc ? NULL : find_record(&s, HVM_SAVE_CODE_HEADER);
	if (!rc && (!header || header->length > 256))
		rc = -EINVAL;
	mtrr = rc ? NULL : find_record(&s, HVM_SAVE_CODE_MTRR);
	if (mtrr)
		rc = load_mtrrs(b, header, mtrr);
	/* Loading a state takes every vCPU down that has no CPU record in it: this one last. */
	if (!rc)
		rc = load_stream(b, header, NULL, &cpu, sizeof(cpu));
	free(s.data);
	if (rc)
		return keel_fail(&b->k->err, -rc, "cannot set the state of vCPU 0: %s", strerror(-rc));
	return 0;
}
