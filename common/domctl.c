/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domctl: dispatch, and the life of domains. Two interface versions, chosen call by call
 * (docs/abi.md, domctl).
 */
#include "common/domctl.h"

#include "common/cpupool.h"
#include "common/grant.h"
#include "common/pci.h"
#include "common/printk.h"
#include "common/time.h"

/* Both layouts of createdomain as one. */
static void create_args(const struct xen_domctl *op, struct xen_domctl_createdomain_v17 *c)
{
	const struct xen_domctl_createdomain_v15 *o = &op->u.createdomain_v15;

	*c = op->u.createdomain_v17;
	if (op->interface_version == XEN_DOMCTL_INTERFACE_VERSION_V15) {
		c->altp2m_opts = 0;
		c->vmtrace_size = o->vmtrace_size;
		c->cpupool_id = o->cpupool_id;
		c->arch = o->arch;
	}
}

/*
 * A PVH guest with nested paging and a local APIC, without devices. Anything else is refused with a
 * message.
 */
static const char *create_refused(const struct xen_domctl_createdomain_v17 *c)
{
	const u32 need = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;

	if ((c->flags & need) != need)
		return "only PVH guests with nested paging can be created";
	if (c->flags & ~(need | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_iommu))
		return "an option (nested virtualization, vPMU) is not supported";
	if (c->flags & XEN_DOMCTL_CDF_iommu && !arch_pci_assignable())
		return "there is no IOMMU that remaps interrupts, so it cannot have devices";
	if (c->arch.emulation_flags != XEN_X86_EMU_LAPIC)
		return "only a local APIC is emulated (PVH)";
	if (c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX || c->iommu_opts & ~XEN_DOMCTL_IOMMU_MAX)
		return "unknown flags";
	if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
		return "the number of vCPUs is 0 or above " STR(PVH_MAX_VCPUS);
	if (c->vmtrace_size || c->altp2m_opts)
		return "vmtrace and altp2m are not supported";
	if (XEN_DOMCTL_GRANT_version(c->grant_opts) > 2)
		return "unknown version of grant tables";
	if (c->max_grant_frames > GRANT_MAX_FRAMES || c->max_maptrack_frames > GRANT_MAX_MAPTRACK_FRAMES)
		return "too many grant or maptrack frames";
	return NULL;
}

static long op_create(struct domain *none, struct xen_domctl *op)
{
	struct xen_domctl_createdomain_v17 c;
	struct domain_config cfg;
	struct domain *d;
	const char *why;
	int rc;

	create_args(op, &c);
	why = create_refused(&c);
	if (why) {
		pr_info("domain not created: %s", why);
		return -EINVAL;
	}
	cfg = (struct domain_config){
		.id = op->domain && op->domain < DOMID_FIRST_RESERVED ? op->domain : (domid_t)DOMID_INVALID,
		.flags = c.flags,
		.emulation_flags = c.arch.emulation_flags,
		.cpupool = c.cpupool_id,
		.max_vcpus = c.max_vcpus,
		.max_evtchn_port = c.max_evtchn_port,
		.max_grant_frames = c.max_grant_frames < 0 ? GRANT_DEFAULT_FRAMES : (u32)c.max_grant_frames,
		.max_maptrack_frames = c.max_maptrack_frames < 0 ? GRANT_DEFAULT_MAPTRACK_FRAMES
								  : (u32)c.max_maptrack_frames,
	};
	memcpy(cfg.handle, c.handle, sizeof(cfg.handle));
	if (!cpupools_enter())
		return -ERESTART;
	rc = cpupool_is_usable(cfg.cpupool) ? domain_create(&cfg, &d) : -ENOENT;
	cpupools_leave();
	if (!rc)
		op->domain = d->id;
	return rc;
}

/* Destruction that is not done yet makes the caller retry; libxc does not retry. */
static long op_destroy(struct domain *d, struct xen_domctl *op)
{
	if (d->hardware)
		return -EINVAL;
	return domain_destroy(d);
}

static long op_pause(struct domain *d, struct xen_domctl *op) { return domain_controller_pause(d); }

static long op_unpause(struct domain *d, struct xen_domctl *op)
{
	return domain_controller_unpause(d);
}

static long op_resume(struct domain *d, struct xen_domctl *op)
{
	domain_resume(d);
	return 0;
}

/* 4.17: the first domain from this id on; 4.20: exactly this one. */
static long op_getdomaininfo(struct domain *none, struct xen_domctl *op)
{
	bool exact = op->interface_version != XEN_DOMCTL_INTERFACE_VERSION_V15;
	domid_t id = op->domain == DOMID_SELF ? current->domain->id : op->domain;
	struct domain *d = exact ? domain_find(id) : domain_find_from(id);

	if (id >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (!d)
		return -ESRCH;
	domain_info_get(d, &op->u.getdomaininfo);
	op->domain = d->id;
	return 0;
}

/* The combined state of all vCPUs. */
static void info_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	u32 state = XEN_DOMINF_blocked;
	struct vcpu *v;

	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for_each_vcpu(d, v) {
		info->max_vcpu_id = v->id;
		info->cpu_time += vcpu_cputime(v);
		if (test_bit(VPF_DOWN, &v->wait_flags))
			continue;
		info->nr_online_vcpus++;
		if (!test_bit(VPF_BLOCKED, &v->wait_flags))
			state &= ~XEN_DOMINF_blocked;
		if (READ_ONCE(v->sched.running))
			state |= XEN_DOMINF_running;
	}
	if (info->nr_online_vcpus)
		info->flags |= state;
}

void domain_info_get(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	*info = (struct xen_domctl_getdomaininfo){
		.domain = d->id,
		.flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap,
		.tot_pages = READ_ONCE(d->tot_pages),
		.max_pages = READ_ONCE(d->max_pages),
		.outstanding_pages = READ_ONCE(d->claimed),
		.shared_info_frame = d->shared_info_gfn ? d->shared_info_gfn : INVALID_GFN,
		.cpupool = d->cpupool,
		.gpaddr_bits = (u8)arch_gpaddr_bits(),
		.arch_config.emulation_flags = d->emulation_flags,
	};
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info_vcpus(d, info);
	spin_lock(&d->lock);
	if (d->state != DOMAIN_ALIVE)
		info->flags |= XEN_DOMINF_dying;
	if (d->shut_down)
		info->flags |= XEN_DOMINF_shutdown | (u32)d->shutdown_code << XEN_DOMINF_shutdownshift;
	if (d->controller_pauses)
		info->flags |= XEN_DOMINF_paused;
	if (d->create_flags & XEN_DOMCTL_CDF_xs_domain)
		info->flags |= XEN_DOMINF_xs_domain;
	spin_unlock(&d->lock);
}

const struct op domctl_life[NR_DOMCTLS] = {
	DOMCTL_OP_ALONE(createdomain, op_create, OP_OUT),
	DOMCTL_OP(destroydomain, op_destroy, OP_OTHER),
	DOMCTL_OP(pausedomain, op_pause, OP_OTHER),
	DOMCTL_OP(unpausedomain, op_unpause, OP_OTHER),
	DOMCTL_OP(resumedomain, op_resume, OP_OTHER),
	DOMCTL_OP_ALONE(getdomaininfo, op_getdomaininfo, OP_OUT),
};

static const struct op *find_row(u32 cmd)
{
	static const struct op *const families[] = { domctl_life, domctl_vcpu, domctl_misc, domctl_pci };
	const struct op *row = NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(families) && !row; i++)
		row = op_find(families[i], NR_DOMCTLS, cmd);
	return row;
}

/*
 * Operations that may wait until d's vCPUs have stopped. Two control domains that stop each other
 * would wait for ever, so only one waits at a time. The other leaves Keel, where it can be stopped,
 * and retries.
 */
static long run_on_other(const struct op *row, struct domain *d, struct xen_domctl *op)
{
	static u64 busy;
	long rc;

	if (d->control && test_and_set_bit(0, &busy))
		return -ERESTART;
	if (row->flags & OP_PAUSED)
		domain_pause(d);
	rc = row->domctl(d, op);
	if (row->flags & OP_PAUSED)
		domain_unpause(d);
	if (d->control)
		clear_bit(0, &busy);
	return rc;
}

/* -ESRCH: no such domain, or a dying one. DOMID_SELF names the caller itself. */
static long run_row(const struct op *row, struct xen_domctl *op)
{
	struct domain *d;
	long err = op_get(row, 0, op, &d);

	if (err)
		return err;
	if (row->flags & OP_OTHER)
		return d == current->domain ? -EINVAL : run_on_other(row, d, op);
	return row->domctl(d, op);
}

long do_domctl(u64 gva, u64 a2, u64 a3, u64 a4, u64 a5)
{
	const struct op *row;
	struct xen_domctl op;
	long rc;

	if (copy_from_guest(&op, gva, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION_V15 &&
	    op.interface_version != XEN_DOMCTL_INTERFACE_VERSION_V17)
		return -EACCES;
	row = find_row(op.cmd);
	if (!row)
		return -ENOSYS;
	/*
	 * If the result cannot be returned, undo it: a domain that nobody knows would stay for
	 * ever.
	 */
	if ((row->flags & OP_OUT) && copy_to_guest(gva, &op, sizeof(op)))
		return -EFAULT;
	rc = run_row(row, &op);
	if ((row->flags & OP_OUT) && copy_to_guest(gva, &op, sizeof(op)))
		return -EFAULT;
	return rc == -ERESTART ? hypercall_continue(__HYPERVISOR_domctl, gva, 0, 0, 0) : rc;
}
