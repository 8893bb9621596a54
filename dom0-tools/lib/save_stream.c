/* SPDX-License-Identifier: GPL-2.0-only */
/* What is written of a guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/frames.h"
#include "lib/hyper.h"
#include "lib/save_internal.h"
#include "lib/store.h"

#include <public/hvm/params.h>

static uint64_t number_node(struct keel *k, unsigned int domid, const char *node,
			    uint64_t otherwise)
{
	char *text = store_read(k, "/local/domain/%u/%s", domid, node), *end = NULL;
	uint64_t n = text ? strtoull(text, &end, 10) : 0;

	if (!n || *end)
		n = otherwise;
	free(text);
	return n;
}

/* How many vCPUs the guest was asked to use: vcpu-set takes the first ones. */
static unsigned int online_cpus(struct keel *k, const struct keel_domain *d)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		char *text = store_read(k, "/local/domain/%u/cpu/%u/availability", d->id, i);

		n += text && !strcmp(text, "online");
		free(text);
	}
	return n ? n : d->max_vcpus;
}

int save_read_config(struct save *s)
{
	struct keel *k = s->k;
	const struct keel_domain *d = s->d;
	int rc;

	if (d->dying || d->shutdown)
		return keel_domain_check_suspended(k, d) ?
		       keel_fail(&k->err, EINVAL, "%s has ended, and cannot be saved", d->name) :
		       keel_fail(&k->err, EINVAL, "%s is suspended; `keel resume %s` lets it go on", d->name,
				 d->name);
	rc = skeleton_need_config(k, d, &s->saved.g);
	if (rc)
		return rc;
	if (s->saved.g.pcis) {
		guest_free(&s->saved.g);
		return keel_fail(&k->err, ENOTSUP, "%s has PCI functions, whose state nobody can save; take them from "
				 "it first (pci-detach)", d->name);
	}
	s->saved.target_kib = number_node(k, d->id, "memory/target", s->saved.g.memory_mib << 10);
	s->saved.online = online_cpus(k, d);
	return 0;
}

int save_put_head(struct save *s)
{
	struct json_object *j = guest_to_libxl(&s->saved);
	int rc = stream_put_head(&s->out, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN));

	json_object_put(j);
	return rc;
}

static int failed(struct save *s, int rc, const char *what)
{
	return rc < 0 ? keel_fail(&s->k->err, -rc, "cannot read %s of %s: %s", what, s->d->name,
				  strerror(-rc)) : 0;
}

int save_put_policy(struct save *s)
{
	struct hyper_policy *p = calloc(1, sizeof(*p));
	int rc = p ? hyper_get_policy(s->k, s->d->id, p) : -ENOMEM;

	rc = rc ? failed(s, rc, "what CPUs there are") : stream_put_policy(&s->out, p);
	free(p);
	return rc;
}

int save_put_batch(void *arg, const uint64_t *gfns, unsigned int n, unsigned char *pages,
		   const int *err)
{
	struct save *s = arg;

	s->done += n;
	s->sent += n;
	keel_progress(s->k, "MiB of memory", s->done >> 8, s->pages >> 8);
	return stream_put_pages(&s->out, gfns, n, pages, err);
}

int save_put_memory(struct save *s)
{
	struct frames f;
	int rc = frames_find(s->k, s->d, &f);

	s->pages = f.pages;
	if (!rc)
		rc = frames_map_all(s->k, s->d, &f, save_put_batch, s);
	free(f.run);
	return rc;
}

/* Those that xl saves, and that have a value. */
static int read_params(struct save *s, struct stream_params *p)
{
	static const unsigned int indexes[] = {
		HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_IDENT_PT, HVM_PARAM_VM86_TSS_SIZED,
		HVM_PARAM_ACPI_IOPORTS_LOCATION, HVM_PARAM_VM_GENERATION_ID_ADDR, HVM_PARAM_X87_FIP_WIDTH,
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		struct stream_param *to = &p->param[p->count];

		rc = hyper_get_param(s->k, s->d->id, indexes[i], &to->value);
		to->index = indexes[i];
		p->count += !rc && to->value;
	}
	return failed(s, rc, "the parameters");
}

static int read_context(struct save *s, struct stream_state *state)
{
	long size = hyper_get_context(s->k, s->d->id, NULL, 0);

	if (size > 0) {
		state->context = malloc(size);
		size = state->context ? hyper_get_context(s->k, s->d->id, state->context, size) : -ENOMEM;
	}
	state->context_size = size;
	return failed(s, size ? size : -ENODATA, "the state of the CPUs");
}

int save_put_state(struct save *s)
{
	struct stream_state state = { 0 };
	struct xen_domctl_tsc_info tsc;
	int rc = failed(s, hyper_get_tsc(s->k, s->d->id, &tsc), "the TSC's state");

	if (!rc) {
		state.tsc = (struct stream_tsc){
			.mode = tsc.tsc_mode, .khz = tsc.gtsc_khz, .nsec = tsc.elapsed_nsec,
			.incarnation = tsc.incarnation,
		};
		rc = read_params(s, &state.params);
	}
	if (!rc)
		rc = read_context(s, &state);
	if (!rc)
		rc = stream_put_state(&s->out, &state);
	free(state.context);
	return rc;
}
