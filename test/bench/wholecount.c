/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A QEMU TCG plugin that counts all instructions of a machine with one CPU, from a mark to the
 * instruction of a guest that has a certain address.
 *
 * The mark is a NOP with a certain displacement (mark.c, test/guests/moves.c). Arguments:
 * first=ADDRESS,out=FILE. For each mark FILE gets a line "hypervisor N kernel N programs N". Guests
 * are followed through VMRUN as hvcount.c does, but Xen, whose PV Dom0 runs without it, is known by
 * its addresses (Xen's xen/arch/x86/include/asm/config.h). A translation block counts as a whole,
 * whether or not it is left early.
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

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translate_fn fn);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *to,
					      uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, execute_fn fn,
					    int register_use, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define ADD_U64 0		/* enum qemu_plugin_op */
#define MAX_RESUMES 8
#define XEN_START 0xffff800000000000
#define XEN_END   0xffff880000000000

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00, 'K', 'e', 'e', 'l' };

static FILE *out;
static uint64_t first;

/*
 * All that was executed, by address: the hypervisor and Dom0's kernel are in the upper half. What
 * of that was the hypervisor is known when it lets a guest run.
 */
static uint64_t upper, lower, xen;
static uint64_t hypervisor, hypervisor_from;

static bool in_guest, counting;
static uint64_t upper_from, lower_from, xen_from;	/* when the mark was set */
static uint64_t resumes[MAX_RESUMES];		/* the hypervisor continues there after a VMRUN */
static unsigned int nr_resumes;

static void resume_executed(unsigned int cpu, void *data)
{
	if (!in_guest)
		return;
	in_guest = false;
	hypervisor_from = upper;
}

static void vmrun_executed(unsigned int cpu, void *data)
{
	in_guest = true;
	hypervisor += upper - hypervisor_from;
}

static void mark_executed(unsigned int cpu, void *data)
{
	counting = in_guest;
	hypervisor = 0;
	upper_from = upper;
	lower_from = lower;
	xen_from = xen;
}

static void first_executed(unsigned int cpu, void *data)
{
	if (!counting || !in_guest)
		return;
	counting = false;
	if (xen)
		hypervisor = 0;
	fprintf(out, "hypervisor %lu kernel %lu programs %lu\n", hypervisor + xen - xen_from,
		upper - upper_from - hypervisor, lower - lower_from);
	fflush(out);
}

static bool is_resume(uint64_t address)
{
	for (unsigned int i = 0; i < nr_resumes; i++)
		if (resumes[i] == address)
			return true;
	return false;
}

static void add_vmrun(uint64_t address)
{
	if (is_resume(address + 3))
		return;
	if (nr_resumes == MAX_RESUMES)
		abort();
	resumes[nr_resumes++] = address + 3;
}

static void translated_insn(struct qemu_plugin_insn *insn)
{
	static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };	/* APM vol. 3 */
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	const void *code = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);

	if (size == sizeof(vmrun) && !memcmp(code, vmrun, size)) {
		add_vmrun(address);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, vmrun_executed, 0, NULL);
	} else if (size == sizeof(mark) && !memcmp(code, mark, size)) {
		qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_executed, 0, NULL);
	}
	if (is_resume(address))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, resume_executed, 0, NULL);
	if (address == first)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, first_executed, 0, NULL);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	bool in_xen = address >= XEN_START && address < XEN_END;
	uint64_t *count = in_xen ? &xen : address >> 63 ? &upper : &lower;

	qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, count, n);
	for (size_t i = 0; i < n; i++)
		translated_insn(qemu_plugin_tb_get_insn(tb, i));
}

int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "first=", 6))
			first = strtoull(argv[i] + 6, NULL, 0);
		else if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	}
	if (!first || !out) {
		fprintf(stderr, "wholecount: first= and out= are needed\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
