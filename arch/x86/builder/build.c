/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a boot configuration to domains that can run (docs/booting.md, docs/boot-configuration.md).
 */
#include "arch/x86/builder/build.h"

#include "arch/x86/acpi/acpi.h"
#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/iommu/iommu.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/config.h"
#include "arch/x86/pci/vpci.h"
#include "common/console.h"
#include "common/dom0_option.h"
#include "common/grant.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/pci.h"
#include "common/printk.h"
#include "common/vsnprintf.h"
#include <public/domctl.h>
#include <public/errno.h>
#include <public/hvm/pvh_start.h>

#define ACPI_SPACE KiB(64)
#define DEFAULT_EVTCHN_PORTS 1023
#define DOM0_CMDLINE_MAX (BOOT_CMDLINE_LEN + 64)

static void put(struct builder *b, u64 gpa, const void *src, u64 len)
{
	if (copy_to_gpa(b->d, gpa, src, len))
		panic("%s: no RAM at guest physical %#lx..%#lx", build_name(b), gpa, gpa + len);
}

static void put_zeros(struct builder *b, u64 gpa, u64 len)
{
	static const u8 zeros[PAGE_SIZE];

	for (u64 done = 0; done < len; done += PAGE_SIZE)
		put(b, gpa + done, zeros, min(len - done, (u64)PAGE_SIZE));
}

static void load_kernel(struct builder *b)
{
	const struct elf_kernel *k = &b->elf;

	for (unsigned int i = 0; i < k->nr_segments; i++) {
		u64 p = k->seg[i].paddr;

		put(b, p, b->kernel + k->seg[i].offset, k->seg[i].filesz);
		put_zeros(b, p + k->seg[i].filesz, k->seg[i].memsz - k->seg[i].filesz);
	}
}

static void parse_kernel(struct builder *b)
{
	const struct boot_module *m;
	const char *why, *unpack;

	if (b->cfg->kernel < 0 || (unsigned int)b->cfg->kernel >= boot_info.nr_modules)
		panic("%s: no kernel was loaded with Keel; give it as the first module", b->cfg->name);
	m = &boot_info.modules[b->cfg->kernel];
	b->kernel = pa_to_virt(m->base);
	why = boot_image_packed(b->kernel, m->size, &unpack);
	if (why && unpack)
		panic("%s: %s is compressed (%s); unpack it first: %s FILE > vmlinux", b->cfg->name, m->name, why,
		      unpack);
	if (why)
		panic("%s: %s is no kernel for a PVH domain: it is %s", b->cfg->name, m->name, why);
	if (elf_parse(b->kernel, m->size, &b->elf, &why))
		panic("%s: %s is no kernel for a PVH domain: %s", b->cfg->name, m->name, why);
	if ((b->cfg->flags & BOOTCFG_HARDWARE) && !b->elf.dom0)
		pr_warn("%s: %s does not say that it can be Dom0; a Linux without XEN_DOM0 starts, but stays silent",
			b->cfg->name, m->name);
}

static void build_acpi(struct builder *b)
{
	void *buf = alloc_pages(size_to_order(ACPI_SPACE));
	u64 gpa = build_place(b, ACPI_SPACE, PAGE_SIZE, GiB(1));
	size_t used;
	int rc;

	if (!buf || !gpa)
		panic("%s: no room for its ACPI tables", build_name(b));
	b->acpi = (struct gpa_range){ gpa, gpa + ACPI_SPACE };
	rc = b->d->hardware ? acpi_build_dom0(buf, ACPI_SPACE, gpa, b->d->max_vcpus, &b->rsdp, &used)
			    : acpi_build_guest(buf, ACPI_SPACE, gpa, b->d->max_vcpus,
					       b->cfg->nr_pci ? cpu_policy_phys_bits() : 0, &b->rsdp, &used);
	if (rc)
		panic("%s: its ACPI tables cannot be built: error %d", build_name(b), rc);
	put(b, gpa, buf, ACPI_SPACE);
	free_pages(buf, size_to_order(ACPI_SPACE));
}

/* Without an IOMMU granted pages are no DMA addresses: all DMA bounces through Dom0's own RAM. */
static void make_cmdline(const struct builder *b, char *buf)
{
	snprintf(buf, DOM0_CMDLINE_MAX, "%s%s", b->cfg->cmdline,
		 b->d->hardware && !iommu_on() ? " swiotlb=force" : "");
}

/*
 * start_info, its lists and the command line, in one piece below 1 GiB: Linux has no more mapped
 * when it reads them.
 */
static void build_start_info(struct builder *b)
{
	size_t size = PVH_START_SIZE(MAX_E820) + DOM0_CMDLINE_MAX;
	struct pvh_start *s = alloc_pages(size_to_order(size));
	u64 gpa = build_place(b, size, PAGE_SIZE, GiB(1)), ramdisk = 0, len = 0;
	struct domain *d = b->d;

	if (!s || !gpa)
		panic("%s: no room for its start information", build_name(b));
	build_memmap(b);
	make_cmdline(b, (char *)s + PVH_START_SIZE(MAX_E820));
	if (b->cfg->ramdisk != BOOTCFG_NO_MODULE) {
		const struct boot_module *m = &boot_info.modules[b->cfg->ramdisk];

		len = m->size;
		ramdisk = build_place(b, max(len, 1ull), PAGE_SIZE, GiB(4));
		if (!ramdisk)
			panic("%s: no room for %s (%lu KiB); give it more memory", build_name(b), m->name, len >> 10);
		put(b, ramdisk, pa_to_virt(m->base), len);
	}
	pvh_start_fill(s, gpa, gpa + PVH_START_SIZE(MAX_E820), b->rsdp, ramdisk, len, d->nr_e820);
	s->info.flags = d->hardware ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0;
	for (unsigned int i = 0; i < d->nr_e820; i++)
		s->map[i] = (struct hvm_memmap_table_entry){ d->e820[i].addr, d->e820[i].size, d->e820[i].type,
							     0 };
	put(b, gpa, s, size);
	free_pages(s, size_to_order(size));
	b->start_info = gpa;
}

_Static_assert(NR_CPUS <= BOOTCFG_AFFINITY_CPUS, "the boot configuration can name each CPU");

/* As the tree says; else a guest prefers the CPUs that are near to its memory, if they suffice. */
static void set_affinity(struct builder *b)
{
	bool pinned = b->cfg->has_affinity;
	unsigned int n = 0;
	cpumask_t mask = { 0 };
	struct pcpu *cpu;
	struct vcpu *v;

	for_each_cpu(cpu)
		if (pinned ? test_bit(cpu->id, b->cfg->affinity) : cpu->node == b->d->home) {
			cpumask_set(&mask, cpu->id);
			n++;
		}
	if (!pinned && (b->d->hardware || n < b->d->max_vcpus || nr_nodes == 1))
		return;
	for_each_vcpu(b->d, v)
		if (sched_set_affinity(v, pinned ? &mask : NULL, pinned ? NULL : &mask))
			panic("%s: none of its CPUs exists (%u CPUs are up)", b->cfg->name, nr_cpus);
}

static u32 dom0_vcpus(const struct bootcfg_domain *cfg)
{
	u32 dflt = cfg->cpus ?: min_t(u32, nr_cpus, MAX_VCPUS), n;
	char opt[DOM0_OPTION_LEN];

	if (!option_string("dom0_max_vcpus", opt, sizeof(opt)) || !dom0_max_vcpus_parse(opt, dflt, &n))
		n = dflt;
	if (n == MAX_VCPUS && n < nr_cpus)
		pr_info("Dom0 has %u vCPUs, the most that a domain can have, on %u CPUs\n", n, nr_cpus);
	return n;
}

static void build_one(const struct bootcfg_domain *cfg)
{
	static struct builder b;
	struct domain_config dc = {
		.id = (domid_t)cfg->domid,
		.control = cfg->flags & BOOTCFG_CONTROL,
		.hardware = cfg->flags & BOOTCFG_HARDWARE,
		.max_vcpus = cfg->flags & BOOTCFG_HARDWARE ? dom0_vcpus(cfg) : cfg->cpus,
		.max_evtchn_port = cfg->flags & BOOTCFG_HARDWARE ? EVTCHN_MAX_PORTS - 1 : DEFAULT_EVTCHN_PORTS,
		.max_grant_frames = GRANT_DEFAULT_FRAMES,
		.max_maptrack_frames = GRANT_DEFAULT_MAPTRACK_FRAMES,
		.max_pages = ~0ull,
		.flags = cfg->nr_pci ? XEN_DOMCTL_CDF_iommu : 0,
	};
	int rc;

	memset(&b, 0, sizeof(b));
	b.cfg = cfg;
	boot_copy_string(dc.name, sizeof(dc.name), cfg->name);
	parse_kernel(&b);
	rc = domain_create(&dc, &b.d);
	if (rc)
		panic("%s: cannot be created: error %d", cfg->name, rc);
	b.d->e820 = alloc_page();
	if (!b.d->e820)
		panic("%s: no memory", cfg->name);
	set_affinity(&b);
	build_ram(&b);
	b.d->max_pages = b.d->hardware ? max(b.d->tot_pages, PFN_DOWN(dom0_max_mem)) :
			 b.d->tot_pages + 1; /* the console's ring */
	load_kernel(&b);
	build_acpi(&b);
	build_start_info(&b);
	if (!b.d->hardware && boot_console_init(b.d, DEFAULT_EVTCHN_PORTS))
		panic("%s: its console cannot be made", cfg->name);
	hvm_vcpu_set_pvh_entry(b.d->vcpu[0], b.elf.entry, (u32)b.start_info);
	pr_info("%s: domain %u, %lu MiB, %u vCPU%s, kernel %s at %#lx\n", build_name(&b), b.d->id,
		b.d->tot_pages >> 8, b.d->max_vcpus, b.d->max_vcpus == 1 ? "" : "s",
		boot_info.modules[cfg->kernel].name, b.elf.start);
}

/* A reset takes 0.1 s; there is nothing else to do at boot. */
static void give_functions(const struct bootcfg_domain *cfg)
{
	struct domain *d = domain_find((domid_t)cfg->domid);

	if (cfg->nr_pci && !vpci_machine && vpci_init(NULL))
		panic("%s: no memory for the machine's PCI functions", cfg->name);
	for (unsigned int i = 0; i < cfg->nr_pci; i++) {
		long rc = arch_pci_assign(NULL, cfg->pci[i]);

		if (!rc)
			do
				rc = arch_pci_assign(d, cfg->pci[i]);
			while (rc == -ERESTART);
		if (rc)
			panic("%s: it cannot have PCI function " PCI_FMT ": %s", cfg->name,
			      PCI_ARGS(cfg->pci[i]), vpci_refused_words(rc));
	}
}

/*
 * Connects domains as the tree says, once all exist. Each channel is in the lists of both its ends.
 */
static void connect_domains(const struct bootcfg *cfg)
{
	for (unsigned int i = 0; i < cfg->nr_domains; i++) {
		const struct bootcfg_domain *c = &cfg->domains[i];
		struct domain *d = domain_find((domid_t)c->domid);

		for (unsigned int j = 0; j < c->nr_evtchns; j++) {
			const struct bootcfg_evtchn *e = &c->evtchns[j];
			int rc = 0;

			if (e->peer > i || (e->peer == i && e->peer_port >= e->port))
				rc = evtchn_connect(d, e->port, domain_find((domid_t)cfg->domains[e->peer].domid),
						    e->peer_port);
			if (rc)
				panic("%s: event channel port %u cannot be connected: error %d", c->name, e->port, rc);
		}
		for (unsigned int j = 0; j < c->nr_grants; j++) {
			const struct bootcfg_grant *g = &c->grants[j];
			int rc = grant_seed(d, g->ref, (domid_t)cfg->domains[g->peer].domid, g->gpa >> PAGE_SHIFT,
					    g->readonly);

			if (rc)
				panic("%s: grant %u cannot be made: error %d", c->name, g->ref, rc);
		}
	}
}

void build_domains(const struct bootcfg *cfg)
{
	for (unsigned int i = 0; i < cfg->nr_domains; i++)
		build_one(&cfg->domains[i]);
	connect_domains(cfg);
	for (unsigned int i = 0; i < cfg->nr_domains; i++)
		give_functions(&cfg->domains[i]);
}

void start_domains(const struct bootcfg *cfg)
{
	for (unsigned int i = 0; i < cfg->nr_domains; i++)
		domain_controller_unpause(domain_find((domid_t)cfg->domains[i].domid));
}
