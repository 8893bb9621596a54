/* SPDX-License-Identifier: GPL-2.0-only */
/* unpack-kernel IN OUT: writes the ELF image inside the kernel file IN to OUT. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/unpack.h"

static int write_out(const char *path, const struct blob *b)
{
	FILE *f = fopen(path, "wb");

	if (!f)
		return -1;
	if (fwrite(b->data, 1, b->size, f) != b->size) {
		fclose(f);
		return -1;
	}
	return fclose(f);
}

int main(int argc, char **argv)
{
	struct blob in, elf;
	struct keel_error e;
	int rc = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: unpack-kernel IN OUT\n");
		return 2;
	}
	if (blob_open(&in, argv[1], "kernel", &e)) {
		fprintf(stderr, "unpack-kernel: %s\n", e.text);
		return 1;
	}
	if (unpack_kernel(&in, &elf, &e)) {
		fprintf(stderr, "unpack-kernel: %s: %s\n", argv[1], e.text);
	} else if (write_out(argv[2], &elf)) {
		fprintf(stderr, "unpack-kernel: cannot write %s: %s\n", argv[2], strerror(errno));
	} else {
		rc = 0;
	}
	blob_free(&elf);
	blob_free(&in);
	return rc;
}
