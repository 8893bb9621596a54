/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains and their vCPUs: the objects, their life, pause and wake. */
#ifndef COMMON_DOMAIN_H
#define COMMON_DOMAIN_H

#include <machine/nospec.h>
#include <public/event_channel.h>
#include <public/hvm/params.h>
#include <public/hvm/pvh_layout.h>
#include <public/vcpu.h>
#include <public/xen.h>

#include "common/clock.h"
#include "common/evtchn.h"
#include "common/p2m.h"
#include "common/pcpu.h"
#include "common/rcu.h"
#include "common/sched.h"
#include "common/timer.h"

#define MAX_VCPUS PVH_MAX_VCPUS
#define MAX_VIRQS 24
#define MAX_E820 128
#define NR_WATCHDOGS 2

struct grant_table;
struct page_info;

/* Why a vCPU does not run: it is runnable while this is 0 (and nothing pauses it). Atomic bits. */
/*
 * not started, or HLT with interrupts off. Changed under D, and the scheduler told before D is
 * released
 */
#define VPF_DOWN    0
#define VPF_BLOCKED 1 /* HLT, waiting for an event */
#define VPF_POLL    2 /* SCHEDOP_poll */

/*
 * Lookups find a domain from ALIVE on until its memory is about to be freed; a BUILDING one is
 * known only to its creator. A ZOMBIE owns nothing but pages that others still hold.
 */
enum domain_state { DOMAIN_BUILDING = 1, DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_ZOMBIE };

struct vcpu {
	struct domain *domain;
	unsigned int id;
	struct pcpu *cpu;	   /* where it runs or last ran; R: runq lock */
	u64 wait_flags;		   /* atomic: VPF_* */
	bool initialised;	   /* D: has a start state, from which VCPUOP_up may start it */
	bool hypercall_continued;  /* this exit rewrote its registers to repeat the hypercall */
	bool idle;		   /* a pCPU's idle vCPU */
	struct sched_vcpu sched;

	/* Events */
	struct vcpu_info *info;	   /* in shared_info, or registered (then info_page holds a reference) */
	struct page_info *info_page;
	gfn_t info_gfn;		   /* where it was when it was registered */
	u8 upcall_vector;	   /* HVMOP_set_evtchn_upcall_vector; 0 = none */
	evtchn_port_t virq_port[MAX_VIRQS]; /* 0 = not bound; E: evtchn lock */
	/* evtchn_fifo.c */
	struct { struct evtchn_fifo_control_block *control; evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES];
		 } fifo;
	evtchn_port_t poll_port;   /* SCHEDOP_poll of one port; POLL_ANY: of several */

	/* Time */
	struct timer singleshot, periodic, poll_timer;
	u64 periodic_period;
	struct vcpu_runstate_info runstate; /* S: own runq lock */
	/* two frames if it straddles a page */
	struct { gfn_t gfn[2]; unsigned int offset; bool on; } runstate_area;
	u64 time_area_gpa;	   /* VCPUOP_register_vcpu_time_memory_area; 0 = none */
	u32 time_version;	   /* of the clock that v saw last (common/time.h); 0 = none */
	struct clock time_shown;   /* that, in host TSC units */
};

struct domain {
	domid_t id;
	bool control;		/* may do everything: Dom0, and those that the boot configuration names */
	bool hardware;		/* owns the devices */
	bool direct_mapped;	/* its own RAM has gfn = mfn */
	bool suspend_port_set;
	enum domain_state state;	/* D: lock */
	u8 handle[16];
	char name[32];		/* from the boot configuration; else empty */
	u32 create_flags, emulation_flags;
	unsigned int max_vcpus;
	struct vcpu *vcpu[MAX_VCPUS]; /* set before the domain can be found */
	spinlock_t lock;	/* RANK_DOMAIN */

	/* Memory */
	u64 tot_pages;		/* atomic: pages owned, mapped or not */
	u64 max_pages;
	u64 claimed;		/* H: heap lock; pages promised and not yet allocated */
	u64 nodes;		/* from which memory comes, a bit each, 0: any. H, D */
	u8 home;		/* the first one of them. H */
	bool nodes_fixed;	/* else they follow the CPUs. D */
	struct p2m p2m;
	struct { u64 addr, size; u32 type; } *e820; /* XENMEM_memory_map */
	unsigned int nr_e820;
	u64 paging_mempool;	/* bytes for tables of the p2m, 0: p2m_max_tables() chooses. P: lock */

	/* Life. D: lock */
	u32 pause_count;	/* atomic: reasons to pause all vCPUs; the reasons below are counted under D */
	u32 controller_pauses;
	bool started;		/* the controller has let it run; readers need no lock */
	bool destroying;	/* a caller of domain_destroy() executes a step */
	bool shutting_down, shut_down;
	u8 shutdown_code;
	struct timer watchdog[NR_WATCHDOGS]; /* SCHEDOP_watchdog */
	u64 watchdogs_used;

	/* Progress of the destruction, starting at 0; for nothing else */
	evtchn_port_t destroy_next_port;
	u32 destroy_next_handle;

	struct shared_info *shared_info;
	gfn_t shared_info_gfn;	/* where the guest sees it; 0 = nowhere. P: lock */
	struct evtchn_table evtchn;
	struct grant_table *grant;
	unsigned int max_grant_frames, max_maptrack_frames;
	u64 hvm_params[HVM_NR_PARAMS];
	u64 vm_assist;
	u32 suspend_port;

	/* Scheduling and time */
	struct sched_domain sched;
	u32 cpupool;
	u32 tsc_mode, tsc_incarnation;
	s64 time_offset;	/* seconds, wall clock */

	/* Console ring of a guest started at boot, whose other end is Keel */
	struct xencons_interface *boot_console;

	struct rcu_head rcu;
	u64 unlinked;		/* atomic: bit 0: domain_last_page_put() was here */
};

#define for_each_vcpu(d, v)							\
	for (unsigned int _i = 0; _i < (d)->max_vcpus; _i++)			\
		if (((v) = READ_ONCE((d)->vcpu[_i])) != NULL)

extern struct domain *hardware_domain; /* Dom0, or NULL */

/*
 * The domain with this id, even if it is dying, or NULL. Valid until this exit has been handled
 * (rcu).
 */
struct domain *domain_find(domid_t id);
/* The first domain with an id >= id, even if it is dying, or NULL. */
struct domain *domain_find_from(domid_t id);
/* Dying ones included. */
#define for_each_domain(d) \
	for (d = domain_find_from(0); d; d = domain_find_from((domid_t)((d)->id + 1)))
/*
 * DOMID_SELF or an id; callers that are not control domains may name only themselves: ERR -EPERM /
 * -ESRCH in *err.
 */
struct domain *domain_resolve(domid_t id, long *err);
static inline struct vcpu *domain_vcpu(struct domain *d, unsigned int id)
{
	return id < d->max_vcpus ? READ_ONCE(d->vcpu[index_nospec(id, MAX_VCPUS)]) : NULL;
}

/*
 * May the caller change v's state? The caller holds the lock of v's domain, v has stopped, and
 * nothing can start it: either v is down, which ends only under that lock, or the caller keeps its
 * domain paused.
 */
static inline bool vcpu_is_held(const struct vcpu *v)
{
	return lock_is_held(&v->domain->lock) && !__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE) &&
	       (test_bit(VPF_DOWN, &v->wait_flags) || READ_ONCE(v->domain->pause_count));
}

struct domain_config {
	domid_t id;		/* DOMID_INVALID: choose one */
	bool control, hardware;
	u8 handle[16];
	u32 flags, emulation_flags;
	unsigned int max_vcpus;
	unsigned int max_evtchn_port, max_grant_frames, max_maptrack_frames;
	u64 max_pages;
	u32 cpupool;
	char name[32];
};

/*
 * Creates a domain with its vCPUs allocated (down), paused once by the controller. Lookups find it
 * only when it is complete. 0, -EINVAL, -EEXIST (id taken), -ENOMEM, -ENOSPC (no id). Undone
 * completely on error.
 */
int domain_create(const struct domain_config *cfg, struct domain **out);
/*
 * One step of destruction: 0 when done (the domain may live on as a zombie while others map its
 * pages), -ERESTART when it must be called again: there is more to do, or another CPU executes a
 * step.
 */
int domain_destroy(struct domain *d);
/* The last page of a zombie was put: frees the domain. */
void domain_last_page_put(struct domain *d);

/*
 * Counted pauses; returns when no vCPU of d runs any more (never call it for the current domain).
 */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/* The toolstack's pause: -EINVAL when it is not paused (unpause), -EOVERFLOW above 255. */
int domain_controller_pause(struct domain *d);
int domain_controller_unpause(struct domain *d);

/*
 * The guest is done (SHUTDOWN_*): stops all its vCPUs, tells the control domain. Dom0's end, of
 * whatever kind, comes here and ends the machine; Keel's last line includes why (unless NULL).
 */
void domain_shutdown(struct domain *d, u8 reason, const char *why);
void domain_resume(struct domain *d);
/* A guest did something forbidden: ends that guest only, with one line that says why. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
/* All vCPUs down: powers off, as Xen does. */
void vcpu_went_down(struct vcpu *v);

/* Arch hooks: containers and their parts. */
struct domain *arch_domain_alloc(void); /* zeroed */
void arch_domain_free(struct domain *d);
int arch_domain_init(struct domain *d, const struct domain_config *cfg);
void arch_domain_teardown(struct domain *d); /* devices and interrupts: before its memory goes */
struct vcpu *arch_vcpu_alloc(struct domain *d, unsigned int id); /* zeroed */
int arch_vcpu_init(struct vcpu *v);
void arch_vcpu_free(struct vcpu *v);
void arch_vcpu_kick(struct vcpu *v);	/* makes v check its events: wakes it or interrupts its CPU */
void arch_vcpu_send_nmi(struct vcpu *v);	/* any context */
/* powers off or reboots (SHUTDOWN_*); honours noreboot */
void arch_machine_down(u8 reason) __noreturn;

#endif
