/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unpack-kernel [--dom0] IN OUT: writes the ELF image inside the kernel file IN to OUT. With
 * --dom0, the status is 3, and nothing is written, if that kernel cannot be Dom0.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/elf.h"
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

/* 0, or the exit status. */
static int check_dom0(const struct blob *elf, struct keel_error *e)
{
	struct keel_elf k;
	int rc = keel_elf_parse_dom0(&k, elf, e);

	return rc == -ENOEXEC ? 3 : !!rc;
}

int main(int argc, char **argv)
{
	bool dom0 = argc > 1 && !strcmp(argv[1], "--dom0");
	struct blob in, elf;
	struct keel_error e;
	int rc = 1;

	argc -= dom0;
	argv += dom0;
	if (argc != 3) {
		fprintf(stderr, "usage: unpack-kernel [--dom0] IN OUT\n");
		return 2;
	}
	if (blob_open(&in, argv[1], "kernel", &e)) {
		fprintf(stderr, "unpack-kernel: %s\n", e.text);
		return 1;
	}
	if (unpack_kernel(&in, &elf, &e)) {
		fprintf(stderr, "unpack-kernel: %s: %s\n", argv[1], e.text);
	} else if (dom0 && (rc = check_dom0(&elf, &e))) {
		fprintf(stderr, "unpack-kernel: %s: %s\n", argv[1], e.text);
	} else if (write_out(argv[2], &elf)) {
		fprintf(stderr, "unpack-kernel: cannot write %s: %s\n", argv[2], strerror(errno));
		rc = 1;
	} else {
		rc = 0;
	}
	blob_free(&elf);
	blob_free(&in);
	return rc;
}
