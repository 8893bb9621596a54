/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prints "kind name value" for each item of the list (extract), according to the headers that it is
 * compiled with: ours, or with -DLIBXEN those of Debian's libxen-dev. check-abi compares the two.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef LIBXEN
#include "test/abi/libxen.h"
#else
#include <public/cpuid.h>
#include <public/domctl.h>
#include <public/elfnote.h>
#include <public/errno.h>
#include <public/event_channel.h>
#include <public/features.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hvm/params.h>
#include <public/hvm/pvh_layout.h>
#include <public/hvm/pvh_start.h>
#include <public/hvm/save.h>
#include <public/hvm/start_info.h>
#include <public/hypfs.h>
#include <public/io/console.h>
#include <public/mca.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/x86_32.h>
#include <public/xen.h>

#include "test/abi/refused.h"
#endif

struct item {
	const char *kind, *name;
	long long value, size;
};

/* Numbers are compared as 64 bits, so that -1 and 0xffffffff differ. */
#define CONST(name)             { "constant", #name, (long long)(name), 0 },
#define ERRNO(name)             { "errno", #name, name, 0 },
#define TYPE(name)              { "type", #name, sizeof(name), 0 },
#define SIZE(kind, name)        { "size", #name, sizeof(kind name), 0 },
#define FIELD(kind, name, path) \
	{ "field", #name "." #path, offsetof(kind name, path), sizeof(((kind name *)0)->path) },
#define OPEN(kind, name, path) \
	{ "field", #name "." #path "[]", offsetof(kind name, path), 0 },

static const struct item items[] = {
#include LIST
};

int main(void)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		printf("%s %s %lld %lld\n", items[i].kind, items[i].name, items[i].value,
		       items[i].size);
	return 0;
}
