/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/microcode_parse.c */
/*
 * Files of microcode and the archives that hold them. The first byte says which: 0 an archive, 1 a
 * file of Intel's, whose last word is set so that its sum is 0, 2 the same as it is, 3 AMD's. What
 * is found lies within the input.
 */
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "arch/x86/microcode.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void inside(const u8 *p, u64 len, const u8 *all, size_t size)
{
	if (p < all || p > all + size || len > (size_t)(all + size - p))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct ucode_cpu cpu = { .signature = 0x906ea, .platform = 2 };
	struct ucode_patch best;
	u8 *p, kind;
	u64 len;
	int rc;

	if (!size)
		return 0;
	kind = *data % 4;
	size--;
	p = malloc(size ? size : 1);
	memcpy(p, data + 1, size);
	if (!kind) {
		const u8 *file = cpio_find(p, size, "a/b", &len);

		if (file)
			inside(file, len, p, size);
		free(p);
		return 0;
	}
	if (kind == 1 && size >= 1024) {
		u32 total = 0, word;

		for (size_t i = 0; i < 255; i++) {
			memcpy(&word, p + 4 * i, 4);
			total -= word;
		}
		memcpy(p + 1020, &total, 4);
	}
	cpu.amd = kind == 3;
	rc = microcode_choose(p, size, &cpu, &best);
	if (rc != 0 && rc != -ENOENT && rc != -EINVAL)
		abort();
	if (!rc)
		inside(best.data, best.len, p, size);
	if (!rc && best.len < (cpu.amd ? 64u : 1024u))
		abort();
	free(p);
	return 0;
}
