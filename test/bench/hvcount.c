/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A QEMU TCG plugin that counts how many instructions the hypervisor executes
 * for each exit of its guest, by the guest instruction that caused the exit.
 *
 * The plugin follows the CPU through VMRUN. After a VMRUN, the guest executes, until the CPU comes
 * to the instruction behind that VMRUN; from there to the next VMRUN is one episode of the
 * hypervisor. An episode belongs to the last guest instruction before it, its site. Only sites in
 * [lo, hi), the benchmark guest's code, are counted.
 *
 * Arguments: lo=ADDRESS,hi=ADDRESS,out=FILE. At the end FILE gets lines
 *
 *	site ADDRESS count N usual N min N max N events N stretch N
 *
 * usual is the most frequent length of an episode, in instructions. events is the number of
 * expensive instructions in it (VMSAVE, VMLOAD, WRMSR, INVLPGA, writes to CR3). stretch is the
 * longest sequence with interrupts off: from an exit or STI to the next STI or VMRUN. A repeated
 * string instruction counts as one there.
 *
 * With marks=FILE (lines "ADDRESS NAME" of functions of the hypervisor) and from=ADDRESS,to=ADDRESS
 * (instructions of the guest), FILE also says how often the guest exited between these two
 * instructions, by site and by the marked functions that the episode passed through:
 *
 *	exit ADDRESS ,NAME,NAME,... count N
 *
 * ADDRESS is 0 for sites outside [lo, hi), and where one site has too many combinations.
 *
 * No Debian package has the plugin API's header, so this file declares what it uses (QEMU 7.2,
 * plugin API version 1).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct plugin_info;

typedef void (*translate_fn)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*execute_fn)(unsigned int cpu, void *data);
typedef void (*end_fn)(plugin_id id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translate_fn fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, execute_fn fn,
					    int register_use, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, end_fn fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

#define MAX_LENGTHS 64		/* different episode lengths kept for one site */
#define MAX_MARKS 32
#define MAX_WAYS 16		/* different sets of marks at one site */

struct length {
	uint64_t instructions, events, count;
};

struct site {
	uint64_t count, min, max, stretch;
	unsigned int nr_lengths;
	struct length length[MAX_LENGTHS];
	unsigned int nr_ways;
	struct { uint32_t marks; uint64_t count; } way[MAX_WAYS];
};

static struct { uint64_t address; char name[48]; } marks[MAX_MARKS];
static unsigned int nr_marks;
static uint64_t from, to, not_told;
static uint64_t lo, hi;
static const char *out_path = "hvcount.out";
static struct site **sites;	/* by address - lo */

/*
 * Counts are made on one CPU: with more, no two runs would be the same (docs/testing.md, Counting
 * instructions).
 */
static struct {
	bool in_guest, seen_vmrun;
	uint64_t resume;	/* the hypervisor continues here after this VMRUN */
	uint64_t last_guest;	/* address of the guest's latest instruction */
	uint64_t instructions, events;	/* of this episode */
	uint64_t stretch, longest;	/* with interrupts off; the longest in this episode */
	uint64_t last;			/* address of the hypervisor's latest instruction */
	bool counting;			/* the guest is between from and to */
	uint32_t marks;			/* of this episode */
} cpu;

enum { PLAIN, EXPENSIVE, VMRUN, STI };

static void record_way(struct site *s)
{
	unsigned int i;

	for (i = 0; s && i < s->nr_ways; i++)
		if (s->way[i].marks == cpu.marks)
			break;
	if (!s || i == MAX_WAYS) {
		not_told++;
		return;
	}
	if (i == s->nr_ways)
		s->way[s->nr_ways++].marks = cpu.marks;
	s->way[i].count++;
}

static struct site *this_site(void)
{
	uint64_t offset = cpu.last_guest - lo;

	if (cpu.last_guest < lo || cpu.last_guest >= hi)
		return NULL;
	if (!sites[offset])
		sites[offset] = calloc(1, sizeof(struct site));
	return sites[offset];
}

static void record_episode(void)
{
	struct site *s;
	unsigned int i;

	if (!cpu.seen_vmrun)
		return;
	s = this_site();
	if (cpu.counting)
		record_way(s);
	if (!s)
		return;
	if (!s->count || cpu.instructions < s->min)
		s->min = cpu.instructions;
	if (cpu.instructions > s->max)
		s->max = cpu.instructions;
	if (cpu.longest > s->stretch)
		s->stretch = cpu.longest;
	s->count++;
	for (i = 0; i < s->nr_lengths; i++)
		if (s->length[i].instructions == cpu.instructions)
			break;
	if (i == MAX_LENGTHS)
		return;
	if (i == s->nr_lengths) {
		s->length[i].instructions = cpu.instructions;
		s->length[i].events = cpu.events;
		s->nr_lengths++;
	}
	s->length[i].count++;
}

static void executed(uint64_t address, int kind)
{
	if (cpu.in_guest && address == cpu.resume) {
		cpu.in_guest = false;
		cpu.instructions = cpu.events = cpu.stretch = cpu.longest = 0;
		cpu.marks = 0;
	}
	if (cpu.in_guest) {
		cpu.last_guest = address;
		if (address == from || address == to)
			cpu.counting = address == from;
		return;
	}
	cpu.instructions++;
	if (address != cpu.last)
		cpu.stretch++;
	cpu.last = address;
	if (kind == EXPENSIVE)
		cpu.events++;
	if (kind == STI || kind == VMRUN) {
		if (cpu.stretch > cpu.longest)
			cpu.longest = cpu.stretch;
		cpu.stretch = 0;
	}
	if (kind == VMRUN) {
		record_episode();
		cpu.in_guest = cpu.seen_vmrun = true;
		cpu.resume = address + 3;
	}
}

static void plain_executed(unsigned int index, void *address)
{
	executed((uint64_t)address, PLAIN);
}

static void expensive_executed(unsigned int index, void *address)
{
	executed((uint64_t)address, EXPENSIVE);
}

static void vmrun_executed(unsigned int index, void *address)
{
	executed((uint64_t)address, VMRUN);
}

static void sti_executed(unsigned int index, void *address)
{
	executed((uint64_t)address, STI);
}

static void mark_executed(unsigned int index, void *mark)
{
	if (!cpu.in_guest)
		cpu.marks |= 1u << (uintptr_t)mark;
}

/* APM vol. 3: the opcodes; none of these takes a prefix in Keel but REX on MOV CR3. */
static execute_fn callback_for(const uint8_t *code, size_t size)
{
	if (size == 3 && code[0] == 0x0f && code[1] == 0x01) {
		if (code[2] == 0xd8)
			return vmrun_executed;
		if (code[2] == 0xda || code[2] == 0xdb || code[2] == 0xdf)
			return expensive_executed;	/* VMLOAD, VMSAVE, INVLPGA */
	}
	if (size == 1 && code[0] == 0xfb)
		return sti_executed;
	if (size == 2 && code[0] == 0x0f && code[1] == 0x30)
		return expensive_executed;		/* WRMSR */
	if (size >= 3 && code[size - 3] == 0x0f && code[size - 2] == 0x22 &&
	    (code[size - 1] & 0x38) == 0x18)
		return expensive_executed;		/* MOV to CR3 */
	return plain_executed;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		qemu_plugin_register_vcpu_insn_exec_cb(insn,
			callback_for(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)),
			0, (void *)address);
		for (uintptr_t j = 0; j < nr_marks; j++)
			if (marks[j].address == address)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed, 0, (void *)j);
	}
}

static void print_site(FILE *out, uint64_t address, const struct site *s)
{
	const struct length *usual = &s->length[0];

	for (unsigned int i = 1; i < s->nr_lengths; i++)
		if (s->length[i].count > usual->count)
			usual = &s->length[i];
	fprintf(out, "site %#lx count %lu usual %lu min %lu max %lu events %lu stretch %lu\n",
		address, s->count, usual->instructions, s->min, s->max, usual->events, s->stretch);
	for (unsigned int i = 0; i < s->nr_ways; i++) {
		fprintf(out, "exit %#lx ,", address);
		for (unsigned int j = 0; j < nr_marks; j++)
			if (s->way[i].marks >> j & 1)
				fprintf(out, "%s,", marks[j].name);
		fprintf(out, " count %lu\n", s->way[i].count);
	}
}

static void at_end(plugin_id id, void *data)
{
	FILE *out = fopen(out_path, "w");

	if (!out) {
		perror(out_path);
		return;
	}
	for (uint64_t offset = 0; offset < hi - lo; offset++)
		if (sites[offset])
			print_site(out, lo + offset, sites[offset]);
	if (not_told)
		fprintf(out, "exit 0x0 , count %lu\n", not_told);
	fclose(out);
}

static bool read_marks(const char *path)
{
	FILE *in = fopen(path, "r");

	if (!in) {
		perror(path);
		return false;
	}
	while (nr_marks < MAX_MARKS && fscanf(in, "%lx %47s", &marks[nr_marks].address,
					      marks[nr_marks].name) == 2)
		nr_marks++;
	if (!feof(in))
		fprintf(stderr, "hvcount: %s: more than %d functions, or not lines of an address and a name\n",
			path, MAX_MARKS);
	fclose(in);
	return nr_marks && nr_marks < MAX_MARKS;
}

int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "lo=", 3))
			lo = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "hi=", 3))
			hi = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "out=", 4))
			out_path = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "from=", 5))
			from = strtoull(argv[i] + 5, NULL, 0);
		else if (!strncmp(argv[i], "to=", 3))
			to = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "marks=", 6) && !read_marks(argv[i] + 6))
			return -1;
	}
	if (hi <= lo || hi - lo > (64u << 20)) {
		fprintf(stderr, "hvcount: lo= and hi= must give the guest's code, at most 64 MiB\n");
		return -1;
	}
	sites = calloc(hi - lo, sizeof(*sites));
	if (!sites)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_end, NULL);
	return 0;
}
