/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot configuration: which domains start at boot, and from which files. Read from a flattened
 * device tree (docs/boot-configuration.md); without one, Dom0 is made from the first two modules.
 */
#ifndef COMMON_BOOTCFG_H
#define COMMON_BOOTCFG_H

#include "common/boot_info.h"
#include "common/types.h"

#define BOOTCFG_MAX_DOMAINS	16
#define BOOTCFG_MAX_EVTCHNS	16
#define BOOTCFG_MAX_GRANTS	16
#define BOOTCFG_MAX_PCI		8
#define BOOTCFG_AFFINITY_CPUS	512
#define BOOTCFG_NAME_LEN	32
#define BOOTCFG_ERR_LEN		256

/*
 * Property `capabilities` (Xen's bootfdt.h). Dom0 has control and hardware; domains beside it may
 * have control.
 */
#define BOOTCFG_CONTROL		(1u << 0)
#define BOOTCFG_HARDWARE	(1u << 1)
#define BOOTCFG_XENSTORE	(1u << 2)

#define BOOTCFG_NO_MODULE	(-1)

/* One end of an event channel; the other end is in the peer's list. */
struct bootcfg_evtchn {
	u32 port;
	u32 peer;		/* index into bootcfg.domains, may be the domain itself */
	u32 peer_port;
};

/* A page of this domain that the peer may map through entry @ref of this domain's grant table. */
struct bootcfg_grant {
	u32 ref;
	u32 peer;		/* index into bootcfg.domains */
	u64 gpa;		/* of the page; 0: the builder chooses one */
	bool readonly;
};

struct bootcfg_domain {
	char name[BOOTCFG_NAME_LEN];
	u32 domid;
	u32 flags;		/* BOOTCFG_CONTROL ... */
	u64 memory_kb;		/* 0: for Dom0 only, the default of dom0_mem= */
	u32 cpus;		/* 0: for Dom0 only, as many as the host has */
	bool has_affinity;
	u64 affinity[BOOTCFG_AFFINITY_CPUS / 64];
	int kernel;		/* index into boot_info.modules */
	int ramdisk;		/* the same, or BOOTCFG_NO_MODULE */
	char cmdline[BOOT_CMDLINE_LEN];
	u32 nr_evtchns;
	u32 nr_grants;
	u32 nr_pci;
	u32 pci[BOOTCFG_MAX_PCI]; /* PCI functions of the machine: segment << 16 | bus << 8 | devfn */
	struct bootcfg_evtchn evtchns[BOOTCFG_MAX_EVTCHNS];
	struct bootcfg_grant grants[BOOTCFG_MAX_GRANTS];
};

struct bootcfg {
	u32 nr_domains;
	struct bootcfg_domain domains[BOOTCFG_MAX_DOMAINS];
};

/*
 * Read the boot configuration. @fdt is where bi->fdt is mapped for bi->fdt_size bytes, or NULL for
 * a boot without a tree. Pure, apart from the FS base while it runs; any boot context. Returns 0,
 * or -1 with a message in @err that names node, property and value; @cfg is then invalid.
 */
int bootcfg_parse(const struct boot_info *bi, const void *fdt, struct bootcfg *cfg, char *err,
		  size_t errlen);

/*
 * Keel's own command line: first the tree's bootargs of /chosen/hypervisor, then the loader's
 * options, so that the latter win. A broken tree counts as none. Pure, as above.
 */
void bootcfg_command_line(const struct boot_info *bi, const void *fdt, char *out, size_t size);

/* The domain with the hardware role, or NULL. */
const struct bootcfg_domain *bootcfg_dom0(const struct bootcfg *cfg);

#endif /* COMMON_BOOTCFG_H */
