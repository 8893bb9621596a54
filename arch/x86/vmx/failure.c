/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints why the CPU refused to enter a guest. */
#include "arch/x86/vmx/fields.h"
#include "arch/x86/vmx/vmcs.h"
#include "common/printk.h"
#include "common/vsnprintf.h"

static const struct { const char *name; u32 field; } fields[] = {
#define VMX_ROW(n, encoding) [VD_##n] = { #n, encoding },
	VMX_DUMP_FIELDS(VMX_ROW)
#undef VMX_ROW
};

static void dump(const u64 *val)
{
	char line[120];
	unsigned int len = 0;

	for (unsigned int i = 0; i < VMX_NR_DUMP; i++) {
		len += (unsigned int)snprintf(line + len, sizeof(line) - len, "%s %lx  ", fields[i].name, val[i]);
		if (i % 4 == 3 || i == VMX_NR_DUMP - 1) {
			pr_err("VMCS: %s", line);
			len = 0;
		}
	}
}

void vmx_explain_failure(const struct exit_info *e, bool instruction)
{
	u64 v[VMX_NR_DUMP];
	const char *why;

	for (unsigned int i = 0; i < VMX_NR_DUMP; i++)
		v[i] = vmread(fields[i].field);
	if (instruction) {
		pr_err("VM entry failed: VM-instruction error %u: %s", e->raw, vmx_error_name(e->raw));
	} else if ((u16)e->raw == VMX_EXIT_BAD_STATE) {
		why = vmx_check_guest(v, cpu_features.phys_bits);
		pr_err("VM entry failed: guest state: %s", why ?: "none of the rules that Keel knows is broken");
	} else {
		pr_err("VM entry failed: exit reason %#x, qualification %#lx", e->raw, v[VD_QUALIFICATION]);
	}
	dump(v);
}
