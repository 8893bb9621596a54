/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/builder/elf.c */
/* Kernels: any bytes. Whatever is accepted lies inside the file, and below 4 GiB. */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/builder/elf.h"
#include "common/lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_kernel k;
	const char *why = NULL;
	void *copy = malloc(size);	/* ASan sees its end */

	memcpy(copy, data, size);
	if (!elf_parse(copy, size, &k, &why)) {
		if (!k.has_entry || !k.nr_segments || k.end > GiB(4) || k.start >= k.end)
			abort();
		for (unsigned int i = 0; i < k.nr_segments; i++)
			if (k.seg[i].offset > size || k.seg[i].filesz > size - k.seg[i].offset ||
			    k.seg[i].filesz > k.seg[i].memsz)
				abort();
	} else if (!why) {
		abort();
	}
	free(copy);
	return 0;
}
