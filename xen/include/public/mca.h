/* SPDX-License-Identifier: MIT */
/* mca (__HYPERVISOR_arch_0): machine checks for the control domain. */
#ifndef XEN_PUBLIC_MCA_H
#define XEN_PUBLIC_MCA_H

#include <public/xen.h>

#define XEN_MCA_INTERFACE_VERSION 0x01ecc003
#define VIRQ_MCA VIRQ_ARCH_0

/*
 * xen_mc_fetch.flags: which queue, or in ACK's case whose oldest record is done with; and the
 * answer.
 */
#define XEN_MC_NONURGENT   0x1
#define XEN_MC_URGENT      0x2
#define XEN_MC_ACK         0x4
#define XEN_MC_OK          0x0
#define XEN_MC_NODATA      0x2

#define MC_TYPE_GLOBAL 0
#define MC_TYPE_BANK   1

struct mcinfo_common { uint16_t type, size; };

/* mcinfo_global.mc_flags: how it was found. */
#define MC_FLAG_POLLED (1 << 3)
#define MC_FLAG_RESET  (1 << 4)
#define MC_FLAG_CMCI   (1 << 5)
#define MC_FLAG_MCE    (1 << 6)

struct mcinfo_global {
	struct mcinfo_common common;
	uint16_t mc_domid, mc_vcpuid; /* who ran there */
	uint32_t mc_socketid;
	uint16_t mc_coreid, mc_core_threadid;
	uint32_t mc_apicid, mc_flags;
	uint64_t mc_gstatus;
};

struct mcinfo_bank {
	struct mcinfo_common common;
	uint16_t mc_bank, mc_domid; /* mc_domid: whose page it is */
	uint64_t mc_status, mc_addr, mc_misc, mc_ctrl2, mc_tsc;
};

struct mcinfo_msr { uint64_t reg, value; };

#define MCINFO_MAXSIZE 768
struct mc_info {
	uint32_t mi_nentries, flags;
	uint64_t mi_data[(MCINFO_MAXSIZE - 1) / 8];
};

#define MC_NCAPS 7
struct mcinfo_logical_cpu {
	uint32_t mc_cpunr, mc_chipid;
	uint16_t mc_coreid, mc_threadid;
	uint32_t mc_apicid, mc_clusterid, mc_ncores, mc_ncores_active, mc_nthreads, mc_cpuid_level;
	uint32_t mc_family, mc_vendor, mc_model, mc_step;
	char mc_vendorid[16], mc_brandid[64];
	uint32_t mc_cpu_caps[MC_NCAPS], mc_cache_size, mc_cache_alignment, mc_nmsrvals;
	struct mcinfo_msr mc_msrvalues[8];
};

#define XEN_MC_fetch        1
#define XEN_MC_physcpuinfo  3
#define XEN_MC_msrinject    4
#define XEN_MC_mceinject    5

struct xen_mc_fetch {
	uint32_t flags, _pad0;
	uint64_t fetch_id;
	XEN_GUEST_HANDLE(mc_info) data;
};

struct xen_mc_physcpuinfo {
	uint32_t ncpus, _pad0;
	XEN_GUEST_HANDLE(mcinfo_logical_cpu) info;
};

struct xen_mc {
	uint32_t cmd, interface_version;
	union {
		struct xen_mc_fetch mc_fetch;
		struct xen_mc_physcpuinfo mc_physcpuinfo;
		uint64_t pad[18];
	} u;
};

#endif
