/* SPDX-License-Identifier: GPL-2.0-only */
/* mca: reports machine checks to Dom0's mcelog. */
#include <public/errno.h>
#include <public/mca.h>

#include "arch/x86/cpu.h"
#include "arch/x86/mce.h"
#include "common/domctl.h"
#include "common/op.h"

struct entries { struct mcinfo_global global; struct mcinfo_bank bank; };
_Static_assert(sizeof(struct entries) <= sizeof(((struct mc_info *)0)->mi_data), "both fit");

static long op_fetch(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct xen_mc *op = arg;
	u32 flags = op->u.mc_fetch.flags, core, socket;
	bool urgent = flags & XEN_MC_URGENT;
	struct mc_info info = { .mi_nentries = 2 };
	struct mce_record r;

	if (flags == (XEN_MC_URGENT | XEN_MC_ACK) || flags == (XEN_MC_NONURGENT | XEN_MC_ACK)) {
		mce_ack(urgent, op->u.mc_fetch.fetch_id);
		return 0;
	}
	if ((flags != XEN_MC_URGENT && flags != XEN_MC_NONURGENT) || !op->u.mc_fetch.data)
		return -EINVAL;
	op->u.mc_fetch.flags = XEN_MC_OK;
	if (!mce_oldest(urgent, &r, &op->u.mc_fetch.fetch_id)) {
		op->u.mc_fetch.flags = XEN_MC_NODATA;
		op->u.mc_fetch.fetch_id = 0;
		return 0;
	}
	arch_cpu_topology(r.cpu, &core, &socket);
	*(struct entries *)info.mi_data = (struct entries){
		.global = { .common = { MC_TYPE_GLOBAL, sizeof(struct mcinfo_global) }, .mc_domid = r.domid,
			    .mc_vcpuid = r.vcpu, .mc_socketid = socket, .mc_coreid = (u16)core,
				    .mc_apicid = arch_cpu_hw_id(r.cpu),
			    .mc_flags = r.source, .mc_gstatus = r.gstatus },
		.bank = { .common = { MC_TYPE_BANK, sizeof(struct mcinfo_bank) }, .mc_bank = r.bank,
			  .mc_domid = r.owner, .mc_status = r.status, .mc_addr = r.addr, .mc_misc = r.misc,
				      .mc_tsc = r.tsc },
	};
	return copy_to_guest(op->u.mc_fetch.data, &info, sizeof(info)) ? -EFAULT : 0;
}

/* Without a buffer: only their number. */
static long op_physcpuinfo(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	struct xen_mc *op = arg;
	struct cpuid_regs max = cpuid(0, 0);
	struct mcinfo_logical_cpu c = {
		.mc_cpuid_level = max.a, .mc_family = cpu_features.family, .mc_model = cpu_features.model,
		/* as mcelog counts them */
		.mc_step = cpu_features.stepping, .mc_vendor = cpu_features.amd ? 2 : 0,
		.mc_ncores = 1, .mc_ncores_active = 1, .mc_nthreads = 1, .mc_nmsrvals = 1,
		.mc_msrvalues = { { MSR_MCG_CAP, mce_cap() } },
	};
	u64 to = op->u.mc_physcpuinfo.info;
	u32 n = to ? min(op->u.mc_physcpuinfo.ncpus, nr_cpus) : nr_cpus, core;

	if (!n)
		return -EINVAL;
	memcpy(c.mc_vendorid, (u32[]){ max.b, max.d, max.c }, 12);
	for (u32 i = 0; to && i < n; i++) {
		c.mc_cpunr = i;
		c.mc_apicid = arch_cpu_hw_id(i);
		arch_cpu_topology(i, &core, &c.mc_chipid);
		c.mc_coreid = (u16)core;
		if (copy_elem_to_guest(to, i, &c, sizeof(c)))
			return -EFAULT;
		irq_window();
	}
	op->u.mc_physcpuinfo.ncpus = n;
	return 0;
}

static const struct op ops[] = {
	OP(XEN_MC_fetch, op_fetch, HC_CONTROL),
	OP(XEN_MC_physcpuinfo, op_physcpuinfo, HC_CONTROL),
	OP(XEN_MC_msrinject, NULL, HC_CONTROL, .answer = -EOPNOTSUPP),
	OP(XEN_MC_mceinject, NULL, HC_CONTROL, .answer = -EOPNOTSUPP),
};

long do_arch_0(u64 gva, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct xen_mc op;
	const struct op *row;
	long rc = op_copy(ops, ARRAY_SIZE(ops), gva, &op, sizeof(op), XEN_MCA_INTERFACE_VERSION, &row);

	if (!rc)
		rc = row->fn(current->domain, &op, gva, 0);
	return rc == -ENOSYS ? -EINVAL : !rc && copy_to_guest(gva, &op, sizeof(op)) ? -EFAULT : rc;
}
