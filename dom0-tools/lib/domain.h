/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_DOMAIN_H
#define KEEL_LIB_DOMAIN_H

#include <json-c/json.h>

#include "lib/guest.h"
#include "lib/keel.h"

/* A domain as `keel list` shows it. */
struct keel_domain {
	unsigned int id;
	char name[GUEST_NAME_MAX + 1];
	unsigned char uuid[16];
	uint64_t memory_kib, max_memory_kib;
	uint64_t claimed_kib;			/* reserved, and not given to it yet */
	unsigned int vcpus, max_vcpus;
	unsigned int pool;			/* the CPU pool's id */
	uint64_t cpu_time_ns;
	bool running, blocked, paused, shutdown, dying;
	unsigned int shutdown_reason;		/* SHUTDOWN_*, if .shutdown */
};

/* SHUTDOWN_poweroff ... as a word. */
const char *keel_domain_reason_name(unsigned int reason);

/* What a domain is doing, as one word ("running", "paused", "shut down: crash"...). */
const char *keel_domain_state_name(const struct keel_domain *d);

/* All domains: an array to free; returns how many. */
int keel_domain_list(struct keel *k, struct keel_domain **out);
int keel_domain_by_id(struct keel *k, unsigned int id, struct keel_domain *d);
/* @who is a domain id or a name. -ESRCH if there is none. */
int keel_domain_find(struct keel *k, const char *who, struct keel_domain *d);
/* The same, but refuses Dom0 (for what only makes sense for a guest). */
int keel_domain_find_guest(struct keel *k, const char *who, struct keel_domain *d);

/* One with this UUID that is not dying. -ESRCH if there is none. */
int keel_domain_by_uuid(struct keel *k, const unsigned char uuid[16], struct keel_domain *d);

struct json_object *keel_domain_to_json(const struct keel_domain *d);

/* create.c: makes a guest and, unless @paused, starts it. Leaves nothing behind on failure. */
int keel_domain_create(struct keel *k, const struct guest_config *g, bool paused,
		       unsigned int *domid);

/* destroy.c: ends a domain and removes all its nodes and devices. Works on leftovers too. */
int keel_domain_destroy(struct keel *k, unsigned int domid);
/* Only the nodes and devices: the domain is gone already. */
void keel_domain_forget(struct keel *k, unsigned int domid);

/* skeleton.c: the nodes that a domain has without its devices. */
struct skeleton {
	const struct guest_config *g;
	uint64_t target_kib;			/* memory that it is to use, and vCPUs */
	unsigned int online;
	uint64_t store_gfn, console_gfn;	/* of its rings */
	unsigned int store_port, console_port;
	const char *config;			/* JSON, for keeld */
};

int skeleton_write(struct keel *k, unsigned int domid, const struct skeleton *s);
/* The configuration that a domain was made from; false if it is not Keel's. */
bool skeleton_config(struct keel *k, unsigned int domid, struct guest_config *g);
/* The same, or -EPERM with the reason. */
int skeleton_need_config(struct keel *k, const struct keel_domain *d, struct guest_config *g);
/*
 * Changes it, for when keeld starts the guest again; nothing if it is not Keel's. The lock is held,
 * so that two changes do not overwrite each other. What is stored for the next boot follows.
 */
typedef int skeleton_change_fn(struct keel *k, struct guest_config *g, void *arg);
int skeleton_change(struct keel *k, unsigned int domid, skeleton_change_fn *change, void *arg);
int keel_domain_rename(struct keel *k, unsigned int domid, const char *name);
/* The same, and keeld starts it again under this name: both at once, or neither. */
int keel_domain_rename_config(struct keel *k, unsigned int domid, const char *name);
/* create.c: -EEXIST if a domain has the name. */
int keel_domain_name_free(struct keel *k, const char *name);

/* control.c: asks the guest through xenstore: "poweroff", "reboot". */
int keel_domain_control(struct keel *k, unsigned int domid, const char *what);
/* Waits until @domid is shut down or gone: -ETIMEDOUT after @seconds (0: for ever). */
int keel_domain_wait_shutdown(struct keel *k, const struct keel_domain *d, unsigned int seconds);

/*
 * Asks the guest to suspend, and waits until it has: -ETIMEDOUT after @seconds, -EINTR; then it
 * goes on as if nobody had asked.
 */
int keel_domain_suspend(struct keel *k, const struct keel_domain *d, unsigned int seconds);
/* -EINVAL, with the reason, if it is not suspended. */
int keel_domain_check_suspended(struct keel *k, const struct keel_domain *d);
/* A suspended guest goes on where it is. keel_lock_guest() is held, or keeld may see to it, too. */
int keel_domain_resume(struct keel *k, const struct keel_domain *d);

/* console.c: connects the terminal to the guest's console; returns after Ctrl-]. */
int keel_domain_console(struct keel *k, const struct keel_domain *d);
/* Only the descriptor of its terminal, on which everything passes as it is. */
int keel_domain_open_console(struct keel *k, const struct keel_domain *d);

#endif
