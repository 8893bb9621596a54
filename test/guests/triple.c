/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A triple fault: the domain reboots, or does what HVM_PARAM_TRIPLE_FAULT_REASON says. There is no
 * result line.
 */
#include "lib/guest.h"

#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>

const char test_title[] = "triple";

void test_main(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };
	struct xen_hvm_param param = { DOMID_SELF, 0, HVM_PARAM_TRIPLE_FAULT_REASON,
				       option_number("reason", 99) };

	if (param.value != 99)
		EXPECT_EQ(hvm_op(set_param, &param), 0);
	printk("no IDT, and an undefined instruction\n");
	asm volatile("lidt %0; ud2" ::"m"(none));
	error_stop("it survived a triple fault");
}
