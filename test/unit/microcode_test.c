/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/vsnprintf.c */
/*
 * Microcode: files made by hand, whole and damaged; CPUs that take what fits them, in pairs that
 * share a core; and a late load, with each CPU on a stack of its own.
 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <public/errno.h>

#include "arch/x86/cpu.h"

static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf);
static void test_relax(void);
#define cpuid test_cpuid
#define wbinvd() ((void)0)
#undef cpu_relax
#define cpu_relax() test_relax()
#include "arch/x86/microcode.c"
#include "arch/x86/microcode_parse.c"

#define SIGNATURE 0x906eau
#define PLATFORM 5
#define AMD_ID 0x8120
#define STACK KiB(256)
#define NOBODY FAKE_CPUS

struct cpu_features cpu_features;
static struct cpu_policy policy;
static s32 running[FAKE_CPUS];
static u64 latch[FAKE_CPUS];
static u32 refuses, ignores, absent; /* CPUs */
static bool scan_off;
static struct { unsigned int cpu; bool all_here; } loads[4 * FAKE_CPUS];
static unsigned int nr_loads, pauses;

/* --- The machine ----------------------------------------------------------- */

static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf)
{
	unsigned int cpu = this_cpu()->id;

	assert_int_equal(leaf, 1);
	if (!cpu_features.amd)
		latch[cpu] = (u64)(u32)running[cpu] << 32;
	return (struct cpuid_regs){ .a = SIGNATURE };
}

int rdmsr_safe(u32 msr, u64 *v)
{
	if (msr == 0x17 && !cpu_features.amd) {
		*v = (u64)PLATFORM << 50;
		return 0;
	}
	assert_int_equal(msr, 0x8b);
	*v = cpu_features.amd ? (u64)(u32)running[this_cpu()->id] : latch[this_cpu()->id];
	return 0;
}

/* Intel's threads share what a core has. */
static void take(unsigned int cpu, s32 rev)
{
	running[cpu] = rev;
	if (!cpu_features.amd && policy.topo[0].a)
		running[cpu ^ 1] = rev;
}

int wrmsr_safe(u32 msr, u64 v)
{
	unsigned int cpu = this_cpu()->id;
	struct intel { u32 version, revision, date, signature; } h;
	struct amd { u32 code, revision; u8 more[16]; u16 id; } a;

	if (msr == 0x8b) {
		latch[cpu] = v;
		return 0;
	}
	assert_int_equal(msr, cpu_features.amd ? 0xc0010020 : 0x79);
	loads[nr_loads].cpu = cpu;
	loads[nr_loads++].all_here = late.here == FAKE_CPUS - 1;
	if (refuses & BIT(cpu))
		return -EFAULT;
	if (ignores & BIT(cpu))
		return 0;
	if (cpu_features.amd) {
		memcpy(&a, (void *)v, sizeof(a));
		assert_int_equal(a.id, AMD_ID);
		take(cpu, (s32)a.revision);
		return 0;
	}
	assert_true(IS_ALIGNED(v, 16));
	memcpy(&h, (void *)(v - 48), sizeof(h));
	assert_int_equal(h.version, 1);
	take(cpu, (s32)h.revision);
	return 0;
}

const struct cpu_policy *cpu_policy_host(void)
{
	return &policy;
}

int option_choice(const char *name)
{
	assert_string_equal(name, "ucode");
	return scan_off ? UCODE_NO : UCODE_SCAN;
}

/* --- CPUs with stacks of their own ---------------------------------------- */

static ucontext_t contexts[FAKE_CPUS], caller_context;
static char *stacks[FAKE_CPUS];
static bool active[FAKE_CPUS];
static unsigned int on = NOBODY, caller; /* on: whose stack this is, NOBODY: the caller's */

static void cpu_main(void)
{
	clear_bit(WORK_ARCH, &this_cpu()->work);
	microcode_work();
	active[on] = false;
	swapcontext(&contexts[on], &caller_context);
}

static void run_cpu(unsigned int cpu)
{
	if (!active[cpu]) {
		getcontext(&contexts[cpu]);
		contexts[cpu].uc_stack.ss_sp = stacks[cpu];
		contexts[cpu].uc_stack.ss_size = STACK;
		makecontext(&contexts[cpu], cpu_main, 0);
		active[cpu] = true;
	}
	fake_run_on(cpu, NULL);
	on = cpu;
	swapcontext(&caller_context, &contexts[cpu]);
	on = NOBODY;
	fake_run_on(caller, NULL);
}

/* The one that waits lets the others go on. */
static void test_relax(void)
{
	if (on != NOBODY) {
		swapcontext(&contexts[on], &caller_context);
		return;
	}
	fake_now += 1000;
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		if (i != caller && !(absent & BIT(i)) && (active[i] || test_bit(WORK_ARCH, &pcpus[i]->work)))
			run_cpu(i);
}

static void count_pause(void)
{
	pauses++;
}

/* --- Files ------------------------------------------------------------------- */

static u8 file[KiB(64)];
static u64 size;

static void put(const void *p, size_t len)
{
	memcpy(file + size, p, len);
	size += len;
}

static void put_words(unsigned int n, const u32 *words)
{
	put(words, n * sizeof(*words));
}

static u32 sum_of(const u8 *p, size_t len)
{
	u32 total = 0, word;

	for (size_t i = 0; i < len; i += 4) {
		memcpy(&word, p + i, 4);
		total += word;
	}
	return total;
}

/* One of Intel's updates; rows: how many signatures follow, of which the last is for this CPU. */
static void intel(u32 rev, u32 signature, u32 platforms, u32 rows)
{
	u8 *p = file + size, *table;
	u32 total = rows > 100 ? KiB(16) : 2048, tail = rows ? 20 + 12 * rows : 0;
	u32 data = total - 48 - tail, word;
	u32 header[12] = { 1, rev, 0x02282024, signature, 0, 1, platforms, data, total };

	put_words(12, header);
	memset(file + size, 0x5a, data);
	size += data;
	word = -sum_of(p, 48 + data);
	memcpy(p + 16, &word, 4);
	table = file + size;
	if (rows)
		put_words(5, (u32[5]){ rows });
	for (u32 i = 0; i < rows; i++) {
		u32 s = i == rows - 1 ? SIGNATURE : 0x1000 + i, pf = BIT(PLATFORM);

		put_words(3, (u32[]){ s, pf, signature + platforms + word - s - pf });
	}
	word = rows ? -sum_of(table, tail) : 0;
	if (rows)
		memcpy(table + 4, &word, 4);
}

static void amd_table(u32 signature, u16 id)
{
	put_words(3, (u32[]){ AMD_MAGIC, AMD_TABLE, 48 });
	put_words(4, (u32[]){ 0x600f20, 0, 0, 0x6020 });
	put_words(4, (u32[]){ signature, 0, 0, id });
	put_words(4, (u32[]){ 0, 0, 0, 0 });
}

static void amd(u32 rev, u16 id, u32 chipset)
{
	u32 header[16] = { 0x20240228, rev, 0, 0, chipset, 0, id };

	put_words(2, (u32[]){ AMD_PATCH, 64 + 100 });
	put_words(16, header);
	memset(file + size, 0x33, 100);
	size += 100;
}

/* A copy that ends with its memory, so that ASan sees who reads on. */
static struct ucode_patch best;
static int choose(u64 len)
{
	struct ucode_cpu cpu = { cpu_features.amd, SIGNATURE, BIT(PLATFORM), count_pause };
	u8 *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, file, len);
	rc = microcode_choose(copy, len, &cpu, &best);
	free(copy);
	return rc;
}

static void word_at(u64 at, u32 value)
{
	memcpy(file + at, &value, 4);
}

static u32 word(u64 at)
{
	u32 value;

	memcpy(&value, file + at, 4);
	return value;
}

static void vendor(bool is_amd)
{
	cpu_features.amd = is_amd;
	cpu_features.intel = !is_amd;
}

static int setup(void **state)
{
	fake_reset();
	memset(cpus, 0, sizeof(cpus));
	memset(&late, 0, sizeof(late));
	memset(latch, 0, sizeof(latch));
	memset(&policy, 0, sizeof(policy));
	loaded = (struct ucode_patch){ 0 };
	vendor(false);
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		running[i] = 0x10;
		active[i] = false;
		if (!stacks[i])
			stacks[i] = malloc(STACK);
	}
	size = nr_loads = pauses = refuses = ignores = absent = caller = 0;
	scan_off = false;
	fake_last_message[0] = '\0';
	fake_run_on(0, NULL);
	return 0;
}

/* --- Tests of the parser --------------------------------------------------- */

static void intel_newest_for_this_cpu(void **state)
{
	assert_int_equal(choose(0), -ENOENT);
	intel(0x20, SIGNATURE, BIT(PLATFORM), 0);
	intel(0x40, SIGNATURE + 1, BIT(PLATFORM), 0);
	intel(0x50, SIGNATURE, 0x7f & ~BIT(PLATFORM), 0);
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.revision, 0x20);
	assert_int_equal(best.len, 2048);
	intel(0x30, SIGNATURE, 0, 0);
	intel(0x25, SIGNATURE, 0xff, 0);
	intel(0x80000060, SIGNATURE, 0xff, 0); /* for debugging */
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.revision, 0x30);
	assert_true(pauses > 5);
	size = 0;
	intel(0x40, SIGNATURE + 1, BIT(PLATFORM), 0);
	assert_int_equal(choose(size), -ENOENT);
}

static void intel_further_signatures(void **state)
{
	intel(0x20, SIGNATURE + 1, 1, 3);
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.revision, 0x20);
	word_at(size - 4, word(size - 4) + 1);	/* the row's checksum; the table's is right */
	word_at(size - 52, word(size - 52) - 1);
	assert_int_equal(choose(size), -EINVAL);
	size = 0;
	intel(0x20, SIGNATURE + 1, 1, 3);
	word_at(size - 28, 5);	/* another row's signature: the table's checksum */
	assert_int_equal(choose(size), -EINVAL);
	for (u32 count = 4; count < 2000; count += 900) {
		size = 0;
		intel(0x20, SIGNATURE + 1, 1, 3);
		word_at(size - 56, count);
		assert_int_equal(choose(size), -EINVAL);
	}
	size = 0;
	intel(0x20, SIGNATURE + 1, 1, INTEL_MOST_SIGNATURES);
	assert_int_equal(choose(size), 0);
	size = 0;
	intel(0x20, SIGNATURE + 1, 1, INTEL_MOST_SIGNATURES + 1);
	assert_int_equal(choose(size), -EINVAL);
	size = 0;
	intel(0x20, SIGNATURE + 1, 1, 3);
	word_at(28, 2048 - 48 - 16); /* no room for a table's head */
	assert_int_equal(choose(size), -EINVAL);
}

/* Where data_size is 0 the header says no size at all. */
static void intel_default_size(void **state)
{
	intel(0x20, SIGNATURE, 1u << PLATFORM, 0);
	word_at(28, 0);
	word_at(32, 0);
	word_at(16, 0);
	word_at(16, -sum_of(file, size));
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.len, 2048);
	assert_int_equal(choose(size - 4), -EINVAL);
}

static void intel_damaged(void **state)
{
	static const struct { u32 at, value; } rows[] = {
		{ 0, 2 }, { 20, 2 },		    /* versions of header and loader */
		{ 16, 0 }, { 100, 0 },		    /* the checksum, the data */
		{ 28, 2001 }, { 28, 1999 }, { 28, 2004 }, { 28, ~0u }, { 28, 0xfffffff0 },
		{ 32, 0 }, { 32, 1 }, { 32, 2047 }, { 32, 1024 }, { 32, 4096 }, { 32, ~0u }, { 32, 0xfffffc00 },
	};

	/* The checksum counts if the update is for this CPU, the rest in any case. */
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		size = 0;
		intel(0x20, rows[i].at == 16 || rows[i].at == 100 ? SIGNATURE : SIGNATURE + 1, 0xff, 0);
		word_at(rows[i].at, rows[i].value);
		if (choose(size) != -EINVAL)
			fail_msg("row %u", i);
	}
	size = 0;
	intel(0x20, SIGNATURE + 1, 0xff, 0);
	word_at(28, 1001);
	memset(file + 48 + 1001, 0, 20); /* a table of no signatures */
	assert_int_equal(choose(size), -EINVAL);
	size = 0;
	intel(0x20, SIGNATURE, 1u << PLATFORM, 0);
	intel(0x30, SIGNATURE + 1, 1, 3);
	for (u64 len = 1; len < size; len++)
		if (choose(len) != (len == 2048 ? 0 : -EINVAL))
			fail_msg("cut to %lu bytes", len);
}

static void amd_newest_for_this_cpu(void **state)
{
	vendor(true);
	assert_int_equal(choose(0), -ENOENT);
	amd_table(0x1234, AMD_ID); /* the same id, of another CPU */
	amd(0x99, AMD_ID, 0);
	amd_table(SIGNATURE, AMD_ID);
	amd(0x20, AMD_ID, 0);
	amd(0x30, AMD_ID, 0);
	amd(0x25, AMD_ID, 0);
	amd(0x50, AMD_ID + 1, 0);
	amd(0x60, AMD_ID, 0x43851002);
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.revision, 0x30);
	assert_int_equal(best.len, 164);
	amd_table(0x1234, 0);
	amd(0x70, 0, 0); /* 0 is no id */
	amd(0x80, AMD_ID, 0);
	assert_int_equal(choose(size), 0);
	assert_int_equal(best.revision, 0x30);
	size = 0;
	amd_table(0x1234, AMD_ID);
	amd(0x99, AMD_ID, 0);
	assert_int_equal(choose(size), -ENOENT);
}

static void amd_damaged(void **state)
{
	static const struct { u32 at, value; } rows[] = {
		{ 0, 0x00414d45 }, { 4, 1 }, { 8, 47 }, { 8, 49 }, { 8, ~0u }, { 8, 0x7fffffff },
		{ 60, 0 }, { 60, 2 }, { 64, 163 }, { 64, 165 }, { 64, 63 }, { 64, ~0u }, { 64, 0 },
	};

	vendor(true);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		size = 0;
		amd_table(SIGNATURE, AMD_ID);
		amd(0x20, AMD_ID, 0);
		word_at(rows[i].at, rows[i].value);
		if (choose(size) != -EINVAL)
			fail_msg("row %u", i);
	}
	size = 0;
	amd_table(SIGNATURE, AMD_ID);
	amd(0x20, AMD_ID, 0);
	amd_table(SIGNATURE, AMD_ID);
	for (u64 len = 1; len < size; len++)
		if (choose(len) != (len == 60 ? -ENOENT : len == 60 + 172 ? 0 : -EINVAL))
			fail_msg("cut to %lu bytes", len);
	size = 60;	/* a patch that is not all header */
	put_words(2, (u32[]){ AMD_PATCH, 63 });
	assert_int_equal(choose(size + 63), -EINVAL);
	size = 0;
	amd(0x20, AMD_ID, 0);
	assert_int_equal(choose(size), -EINVAL);
	/* A table as long as no file has it. */
	size = 0;
	put_words(3, (u32[]){ AMD_MAGIC, AMD_TABLE, 16 * (AMD_MOST_ROWS + 1) });
	size += 16 * (AMD_MOST_ROWS + 1);
	assert_int_equal(choose(size), -EINVAL);
	/* One without the row of zeros ends with its section. */
	size = 0;
	put_words(3, (u32[]){ AMD_MAGIC, AMD_TABLE, 16 });
	put_words(4, (u32[]){ 0x600f20, 0, 0, 0x6020 });
	assert_int_equal(choose(size), -ENOENT);
}

/* --- Archives -------------------------------------------------------------- */

static void cpio(const char *name, const void *data, u32 len)
{
	char header[111];

	snprintf(header, sizeof(header), "070701%08X%08X%032X%08X%032X%08X%08X", 1, 0100644, 0, len, 0,
		 (u32)strlen(name) + 1, 0);
	put(header, 110);
	put(name, strlen(name) + 1);
	size = ROUND_UP(size, 4);
	put(data, len);
	size = ROUND_UP(size, 4);
}

static const char *find(u64 len, const char *path)
{
	static char found[64];
	u8 *copy = malloc(len ? len : 1);
	const u8 *p;
	u64 n;

	memcpy(copy, file, len);
	p = cpio_find(copy, len, path, &n);
	if (p)
		snprintf(found, sizeof(found), "%.*s", (int)n, (const char *)p);
	free(copy);
	return p ? found : NULL;
}

static void archives(void **state)
{
	u64 end;

	memset(file, 0, sizeof(file));
	cpio("kernel", "", 0);
	cpio("kernel/a", "odd", 3);
	cpio("kernel/ab", "x", 1);
	cpio("TRAILER!!!", "", 0);
	size = ROUND_UP(size, 512);
	cpio("k/b", "second", 6);
	end = size;
	cpio("k/c", "behind", 6);
	assert_string_equal(find(size, "kernel/a"), "odd");
	assert_string_equal(find(size, "kernel"), "");
	assert_string_equal(find(size, "k/b"), "second");
	assert_null(find(size, "kernel/"));
	assert_null(find(size, "b"));
	for (u64 len = 0; len < size; len++) {
		const char *s = find(len, "k/b");

		if (len < end - 2 ? s != NULL : !s || strcmp(s, "second"))
			fail_msg("cut to %lu bytes", len);
		if (!find(len, "k/c") != (len < size - 2))
			fail_msg("the last one, cut to %lu bytes", len);
	}
	file[end] = '1'; /* compressed, say */
	assert_null(find(size, "k/c"));
	assert_string_equal(find(size, "k/b"), "second");
}

static void damaged_archives(void **state)
{
	/* digits of the sizes of file and name */
	static const struct { u32 at; char c; } rows[] = {
		{ 54, 'F' }, { 54, 'g' }, { 61, '\x14' }, { 94, 'F' }, { 101, ' ' }, { 101, '0' }, { 5, '3' },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(file, 0, sizeof(file));
		size = 0;
		cpio("a", "data", 4);
		assert_string_equal(find(size, "a"), "data");
		file[rows[i].at] = (u8)rows[i].c;
		if (find(size, "a"))
			fail_msg("row %u", i);
	}
}

/* --- At boot ----------------------------------------------------------------- */

static void boot(void)
{
	fake_run_on(0, NULL);
	microcode_init(file, size);
	for (unsigned int i = 1; i < FAKE_CPUS; i++) {
		fake_run_on(i, NULL);
		microcode_init_cpu();
	}
	fake_run_on(0, NULL);
}

/* What build() makes, as the early archive of an initrd. */
static void as_initrd(void (*build)(void))
{
	static u8 inner[KiB(32)];
	u64 len;

	size = 0;
	build();
	len = size;
	memcpy(inner, file, len);
	memset(file, 0, sizeof(file));
	size = 0;
	cpio("x", "odd", 3);
	cpio(cpu_features.amd ? "kernel/x86/microcode/AuthenticAMD.bin"
	     : "kernel/x86/microcode/GenuineIntel.bin", inner, (u32)len);
}

static void newer_intel(void)
{
	intel(0x20, SIGNATURE, 1u << PLATFORM, 0);
}

static void older_intel(void)
{
	intel(0xf, SIGNATURE, 1u << PLATFORM, 0);
}

static void others_intel(void)
{
	intel(0x20, SIGNATURE + 1, 1, 0);
}

static void damaged_intel(void)
{
	newer_intel();
	size -= 4;
}

static void newer_amd(void)
{
	amd_table(SIGNATURE, AMD_ID);
	amd(0x20, AMD_ID, 0);
}

static void same_amd(void)
{
	amd_table(SIGNATURE, AMD_ID);
	amd(0x10, AMD_ID, 0);
}

static void all_run(s32 rev)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_int_equal(running[i], rev);
}

static void at_boot(void **state)
{
	as_initrd(newer_intel);
	boot();
	all_run(0x20);
	assert_string_equal(fake_last_message, "microcode: CPU3 updated from revision 0x10 to 0x20\n");
	assert_int_equal(latch[2], 0x20ull << 32); /* what guests read */
	drop(&loaded);
	vendor(true);
	as_initrd(newer_amd);
	take(0, 0x10);
	boot();
	all_run(0x20);
	drop(&loaded);
	assert_int_equal(fake_live_pages(), 0);
}

static void not_at_boot(void **state)
{
	scan_off = true;
	as_initrd(newer_intel);
	boot();
	all_run(0x10);
	assert_int_equal(latch[2], 0x10ull << 32);
	scan_off = false;
	microcode_init(NULL, 0);
	as_initrd(older_intel);
	boot();
	drop(&loaded);
	as_initrd(others_intel);
	boot();
	assert_non_null(strstr(fake_last_message, "Dom0's initrd has none for this CPU"));
	as_initrd(damaged_intel);
	boot();
	assert_non_null(strstr(fake_last_message, "the file in Dom0's initrd is damaged"));
	as_initrd(newer_intel);
	fake_fail_nth(1);
	boot();
	fake_fail_nth(0);
	assert_non_null(strstr(fake_last_message, "no memory"));
	cpu_features.intel = false; /* neither's */
	boot();
	assert_int_equal(nr_loads, 0);
	all_run(0x10);
	assert_int_equal(fake_live_pages(), 0);
}

/* As on QEMU: then the others need not try. */
static void the_first_does_not_take_it(void **state)
{
	ignores = 1;
	as_initrd(newer_intel);
	boot();
	assert_string_equal(fake_last_message, "microcode: CPU0 stays at revision 0x10: it did not take 0x20\n");
	all_run(0x10);
	assert_int_equal(nr_loads, 1);
	assert_null(loaded.data);
}

static void one_has_a_newer_one(void **state)
{
	running[2] = 0x30;
	as_initrd(newer_intel);
	boot();
	assert_int_equal(running[1], 0x20);
	assert_int_equal(running[2], 0x30);
	assert_int_equal(nr_loads, 3);
	drop(&loaded);
}

/* AMD's threads load what their core seems to have; Intel's do not. */
static void the_same_once_more(void **state)
{
	vendor(true);
	as_initrd(same_amd);
	boot();
	assert_int_equal(nr_loads, FAKE_CPUS);
	assert_string_equal(fake_last_message, "");
	drop(&loaded);
}

/* --- Late ------------------------------------------------------------------- */

static long update(bool force)
{
	long rc;

	nr_loads = 0;
	caller = this_cpu()->id;
	rc = arch_microcode_update((u64)file, (u32)size, force);
	assert_int_equal(late.phase | late.here | late.busy, 0);
	return rc;
}

static void late_machine(bool is_amd, u32 smt)
{
	vendor(is_amd);
	policy.topo[0].a = smt; /* 2: CPUs 0 and 1 are a core, 2 and 3 another */
	size = 0;
	boot();
	fake_run_on(1, NULL);
}

static void late_into_all(void **state)
{
	late_machine(false, 0);
	newer_intel();
	assert_int_equal(update(false), 0);
	all_run(0x20);
	assert_int_equal(nr_loads, FAKE_CPUS);
	for (unsigned int i = 0; i < nr_loads; i++)
		assert_true(loads[i].all_here);
	assert_string_equal(fake_last_message, "microcode: CPU3 updated from revision 0x10 to 0x20\n");
	assert_int_equal(update(false), -EEXIST);
	assert_int_equal(nr_loads, 0);
	/* for a CPU that comes up */
	assert_int_equal(loaded.revision, 0x20);
	running[3] = 5;
	fake_run_on(3, NULL);
	microcode_init_cpu();
	all_run(0x20);
	fake_run_on(1, NULL);
	assert_int_equal(update(true), 0);
	assert_int_equal(nr_loads, FAKE_CPUS);
	size = 0;
	older_intel();
	assert_int_equal(update(false), -EEXIST);
	assert_int_equal(update(true), 0);
	all_run(0xf);
	drop(&loaded);
	assert_int_equal(fake_live_pages(), 0);
}

static void late_one_thread_of_a_core(void **state)
{
	late_machine(false, 2);
	newer_intel();
	assert_int_equal(update(false), 0);
	all_run(0x20);
	assert_int_equal(nr_loads, 2);
	assert_int_equal(loads[0].cpu + loads[1].cpu, 2); /* 0 and 2 */
	drop(&loaded);
	setup(NULL);
	late_machine(true, 2);
	newer_amd();
	assert_int_equal(update(false), 0);
	all_run(0x20);
	assert_int_equal(nr_loads, 4);
	assert_int_equal(loads[0].cpu % 2 + loads[1].cpu % 2, 0);
	assert_int_equal(loads[2].cpu % 2 + loads[3].cpu % 2, 2);
	drop(&loaded);
}

/* The others have it, and the next attempt is for the one that has not. */
static void late_one_fails(void **state)
{
	late_machine(false, 0);
	newer_intel();
	refuses = BIT(2);
	assert_int_equal(update(false), -EIO);
	assert_int_equal(running[2], 0x10);
	assert_int_equal(running[0] + running[1] + running[3], 0x60);
	assert_null(loaded.data);
	assert_int_equal(fake_live_pages(), 0);
	ignores = BIT(3);
	refuses = 0;
	running[3] = 0x10;
	assert_int_equal(update(false), -EIO);
	assert_string_equal(fake_last_message, "microcode: CPU3 stays at revision 0x10: it did not take 0x20\n");
	assert_int_equal(running[2], 0x20);
	ignores = 0;
	assert_int_equal(update(false), 0);
	all_run(0x20);
	drop(&loaded);
}

static void late_one_does_not_come(void **state)
{
	late_machine(false, 0);
	newer_intel();
	absent = BIT(3);
	assert_int_equal(update(false), -EBUSY);
	assert_int_equal(nr_loads, 0);
	all_run(0x10);
	assert_in_range(fake_now, GATHER_NS, 2 * GATHER_NS);
	absent = 0;
	test_relax(); /* it comes late, and finds nothing */
	assert_int_equal(late.here, 0);
	assert_int_equal(update(false), 0);
	all_run(0x20);
	drop(&loaded);
	late.busy = 1;
	assert_int_equal(arch_microcode_update((u64)file, (u32)size, false), -EBUSY);
	late.busy = 0;
	assert_int_equal(fake_live_pages(), 0);
}

static void late_bad_files(void **state)
{
	late_machine(false, 0);
	assert_int_equal(update(false), -EINVAL);
	newer_intel();
	assert_int_equal(arch_microcode_update((u64)file, MOST + 1, false), -E2BIG);
	for (unsigned int n = 1; n <= 2; n++) {
		fake_guest_fault_nth(1);
		assert_int_equal(update(false), -EFAULT);
		fake_fail_nth(n);
		assert_int_equal(update(false), -ENOMEM);
	}
	fake_fail_nth(0);
	size -= 4;
	assert_int_equal(update(false), -EINVAL);
	size = 0;
	others_intel();
	assert_int_equal(update(false), -ENOENT);
	assert_int_equal(nr_loads, 0);
	assert_int_equal(fake_live_pages(), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(intel_newest_for_this_cpu),
		TEST(intel_further_signatures),
		TEST(intel_default_size),
		TEST(intel_damaged),
		TEST(amd_newest_for_this_cpu),
		TEST(amd_damaged),
		TEST(archives),
		TEST(damaged_archives),
		TEST(at_boot),
		TEST(not_at_boot),
		TEST(the_first_does_not_take_it),
		TEST(one_has_a_newer_one),
		TEST(the_same_once_more),
		TEST(late_into_all),
		TEST(late_one_thread_of_a_core),
		TEST(late_one_fails),
		TEST(late_one_does_not_come),
		TEST(late_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
