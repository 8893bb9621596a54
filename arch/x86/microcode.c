/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Microcode: at boot from Dom0's initrd, into each CPU as it comes up; later as Dom0 wants it, into
 * all of them at once (docs/hardware.md).
 */
#include "arch/x86/microcode.h"

#include <public/errno.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/pcpu.h"
#include "common/guest_access.h"
#include "common/heap.h"
#include "common/option.h"
#include "common/platform.h"
#include "common/printk.h"
#include "common/time.h"

#define MSR_IA32_PLATFORM_ID 0x17
#define MSR_UCODE_WRITE 0x79	/* Intel's trigger */
#define MSR_UCODE_REV 0x8b
#define MSR_PATCH_LOADER 0xc0010020u /* AMD's */
#define INTEL_HEADER 48		/* the trigger takes the address behind it (SDM vol. 3, 9.11.6) */
#define CHUNK KiB(64)
#define MOST MiB(16)		/* of a late file: all of Intel's together have less */
#define GATHER_NS 30000000ull	/* a CPU that waits for the caller's does not come */

/* What each CPU had, and has. */
static struct { s32 before, revision; } cpus[NR_CPUS];
/* For CPUs that come up; a copy of Keel's own. */
static struct ucode_patch loaded;

/*
 * A late load. All CPUs wait with nothing to do, so that no guest sees a half-way machine. One
 * thread of each core loads, then the others; who is not at it only spins.
 */
enum { LATE_NONE, LATE_GATHER, LATE_FIRST, LATE_SECOND };
static struct {
	u32 busy;		/* atomic: one load at a time */
	u32 phase;		/* atomic: LATE_*; what is below is written before it */
	u32 here;		/* atomic: CPUs that wait in microcode_work() */
	u32 left;		/* atomic: CPUs that have not finished the phase */
	const struct ucode_patch *patch;
	bool force;		/* also what is not newer */
} late;

/* SDM vol. 3, 9.11.7: CPUID puts the revision into the MSR, where guests read it, too. */
static s32 read_revision(void)
{
	u64 v;

	if (!cpu_features.amd) {
		wrmsr_safe(MSR_UCODE_REV, 0);
		cpuid(1, 0);
	}
	if (rdmsr_safe(MSR_UCODE_REV, &v))
		return 0;
	return (s32)(cpu_features.amd ? v : v >> 32);
}

static struct ucode_cpu this_model(void (*pause)(void))
{
	struct ucode_cpu cpu = { cpu_features.amd, cpuid(1, 0).a, 0, pause };
	u64 v;

	if (!cpu.amd && !rdmsr_safe(MSR_IA32_PLATFORM_ID, &v))
		cpu.platform = 1u << (v >> 50 & 7);
	return cpu;
}

/*
 * Into this CPU, unless it has that or a newer one. AMD's threads load even what they have: a core
 * may show the revision in both of them before the second has all of it.
 */
static void load(const struct ucode_patch *p, bool force)
{
	unsigned int cpu = this_cpu()->id;
	s32 rev = read_revision();

	cpus[cpu].before = cpus[cpu].revision = rev;
	if (!force && (rev > p->revision || (rev == p->revision && !cpu_features.amd)))
		return;
	if (cpu_features.amd) {
		wrmsr_safe(MSR_PATCH_LOADER, (u64)p->data);
	} else {
		wbinvd();
		wrmsr_safe(MSR_UCODE_WRITE, (u64)p->data + INTEL_HEADER);
	}
	cpus[cpu].revision = read_revision();
}

/* False: the CPU did not take it. */
static bool report(unsigned int cpu, const struct ucode_patch *p, bool force)
{
	s32 before = cpus[cpu].before, rev = cpus[cpu].revision;

	if (force ? rev != p->revision : rev < p->revision) {
		pr_err("microcode: CPU%u stays at revision %#x: it did not take %#x\n", cpu, rev, p->revision);
		return false;
	}
	if (rev != before)
		pr_info("microcode: CPU%u updated from revision %#x to %#x\n", cpu, before, rev);
	return true;
}

/* A copy of the patch: aligned, and the file may go. 0, or -ENOMEM. */
static int keep(struct ucode_patch *p, void (*pause)(void))
{
	u8 *copy = alloc_pages(size_to_order(p->len));

	if (!copy)
		return -ENOMEM;
	for (u32 done = 0; done < p->len; done += CHUNK) {
		memcpy(copy + done, p->data + done, min_t(u64, p->len - done, CHUNK));
		if (pause)
			pause();
	}
	p->data = copy;
	return 0;
}

static void drop(struct ucode_patch *p)
{
	if (p->data)
		free_pages((void *)p->data, size_to_order(p->len));
	*p = (struct ucode_patch){ 0 };
}

void microcode_init(const u8 *initrd, u64 size)
{
	struct ucode_cpu cpu = this_model(NULL);
	const u8 *file;
	u64 len;
	int rc;

	microcode_init_cpu();
	if (option_choice("ucode") != UCODE_SCAN || !(cpu_features.amd || cpu_features.intel))
		return;
	file = cpio_find(initrd, size, cpu.amd ? "kernel/x86/microcode/AuthenticAMD.bin"
				     : "kernel/x86/microcode/GenuineIntel.bin", &len);
	if (!file)
		return;
	rc = microcode_choose(file, len, &cpu, &loaded) ?: keep(&loaded, NULL);
	if (rc) {
		loaded = (struct ucode_patch){ 0 };
		pr_warn("microcode: revision %#x stays: %s\n", cpus[0].revision,
			rc == -ENOENT ? "Dom0's initrd has none for this CPU"
			: rc == -ENOMEM ? "no memory" : "the file in Dom0's initrd is damaged");
		return;
	}
	microcode_init_cpu();
	if (cpus[0].revision < loaded.revision)
		drop(&loaded);
}

u32 microcode_revision(void)
{
	return (u32)cpus[0].revision;
}

void microcode_init_cpu(void)
{
	unsigned int cpu = this_cpu()->id;

	if (loaded.data) {
		load(&loaded, false);
		report(cpu, &loaded, false);
	} else {
		cpus[cpu].revision = read_revision();
	}
}

static bool first_of_core(unsigned int cpu)
{
	unsigned int shift = cpu_policy_host()->topo[0].a & 0x1f;

	for (unsigned int i = 0; i < cpu; i++)
		if (arch_cpu_hw_id(i) >> shift == arch_cpu_hw_id(cpu) >> shift)
			return false;
	return true;
}

/* Does this CPU's share of a phase that it has not seen yet, and returns the phase. */
static u32 take_part(u32 *seen)
{
	unsigned int cpu = this_cpu()->id;
	u32 phase = __atomic_load_n(&late.phase, __ATOMIC_ACQUIRE);

	if (phase == *seen)
		return phase;
	*seen = phase;
	if (phase < LATE_FIRST)
		return phase;
	if ((phase == LATE_FIRST) == first_of_core(cpu))
		load(late.patch, late.force);
	__atomic_fetch_sub(&late.left, 1, __ATOMIC_RELEASE);
	return phase;
}

void microcode_work(void)
{
	u32 seen = LATE_NONE, phase;

	if (READ_ONCE(late.phase) == LATE_NONE)
		return;
	__atomic_fetch_add(&late.here, 1, __ATOMIC_SEQ_CST);
	while ((phase = take_part(&seen)) != LATE_NONE) {
		if (phase == LATE_GATHER)
			irq_window();
		cpu_relax();
	}
	__atomic_fetch_sub(&late.here, 1, __ATOMIC_SEQ_CST);
}

/* 0; -EBUSY: a CPU does not come, nothing has changed; -EIO: a CPU did not take it. */
static int load_everywhere(const struct ucode_patch *p, bool force)
{
	u64 limit = now() + GATHER_NS;
	u32 seen = LATE_GATHER;
	struct pcpu *c;
	int rc = -EBUSY;

	late.patch = p;
	late.force = force;
	__atomic_store_n(&late.phase, LATE_GATHER, __ATOMIC_SEQ_CST);
	for_each_cpu(c)
		if (c != this_cpu())
			pcpu_kick(c, WORK_ARCH);
	while (__atomic_load_n(&late.here, __ATOMIC_SEQ_CST) + 1 < nr_cpus && now() < limit) {
		irq_window();
		cpu_relax();
	}
	if (__atomic_load_n(&late.here, __ATOMIC_SEQ_CST) + 1 == nr_cpus) {
		rc = 0;
		for (u32 phase = LATE_FIRST; phase <= LATE_SECOND; phase++) {
			late.left = nr_cpus;
			__atomic_store_n(&late.phase, phase, __ATOMIC_SEQ_CST);
			take_part(&seen);
			while (__atomic_load_n(&late.left, __ATOMIC_ACQUIRE))
				cpu_relax();
		}
	}
	/* All have left before the next one begins: none takes its phases for this one's. */
	__atomic_store_n(&late.phase, LATE_NONE, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&late.here, __ATOMIC_SEQ_CST))
		cpu_relax();
	for (unsigned int i = 0; rc != -EBUSY && i < nr_cpus; i++) {
		if (!report(i, p, force))
			rc = -EIO;
		irq_window();
	}
	return rc;
}

static s32 oldest_revision(void)
{
	s32 oldest = cpus[0].revision;

	for (unsigned int i = 1; i < nr_cpus; i++)
		oldest = min(oldest, cpus[i].revision);
	return oldest;
}

static int copy_file(u8 *file, u64 gva, u32 len)
{
	for (u32 done = 0; done < len; done += PAGE_SIZE) {
		if (copy_from_guest(file + done, gva + done, min_t(u64, len - done, PAGE_SIZE)))
			return -EFAULT;
		irq_window();
	}
	return 0;
}

long arch_microcode_update(u64 gva, u32 len, bool force)
{
	struct ucode_cpu cpu = this_model(irq_window);
	struct ucode_patch p;
	u8 *file;
	int rc;

	if (!len || len > MOST)
		return len ? -E2BIG : -EINVAL;
	if (__atomic_exchange_n(&late.busy, 1, __ATOMIC_SEQ_CST))
		return -EBUSY;
	file = alloc_pages(size_to_order(len));
	rc = file ? copy_file(file, gva, len) ?: microcode_choose(file, len, &cpu, &p) : -ENOMEM;
	if (!rc && !force && p.revision <= oldest_revision())
		rc = -EEXIST;
	rc = rc ?: keep(&p, irq_window);
	if (file)
		free_pages(file, size_to_order(len));
	if (!rc) {
		rc = load_everywhere(&p, force);
		drop(rc ? &p : &loaded);
		if (!rc)
			loaded = p;
	}
	__atomic_store_n(&late.busy, 0, __ATOMIC_SEQ_CST);
	return rc;
}
