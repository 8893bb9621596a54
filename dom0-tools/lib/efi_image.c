/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/efi_image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/blob.h"
#include "lib/elf.h"
#include "lib/files.h"
#include "lib/program.h"
#include "lib/unpack.h"

/* PE/COFF specification, 3 and 4: where what is. */
#define PE_AT			0x3c
#define COFF_SECTIONS		6
#define COFF_OPTIONAL_SIZE	20
#define COFF_SIZE		24
#define OPTIONAL_IMAGE_SIZE	(COFF_SIZE + 56)
#define SECTION_SIZE		40
#define ALIGNMENT		0x1000ULL
#define SIGNATURE_ROOM		16384
#define IMAGE_MAX		(2ULL << 30)	/* PE has 32 bits, and firmware loads it into one piece */

const char *keel_objcopy = "/usr/bin/objcopy";
const char *keel_sbsign = "/usr/bin/sbsign";
const char *keel_sbverify = "/usr/bin/sbverify";

/* What one is made of, in the folder where it is made. */
static const char *const parts[] = { "cmdline", "vmlinux", "unsigned.efi", "signed.efi" };
enum { PART_CMDLINE, PART_KERNEL, PART_UNSIGNED, PART_SIGNED, PARTS };

static void path_of(char path[PATH_MAX], const char *dir, int part)
{
	snprintf(path, PATH_MAX, "%.3800s/%s", dir, parts[part]);
}

/* keel.efi: @end gets the address behind it. */
static int check_hypervisor(struct keel *k, const char *path, uint64_t *end)
{
	size_t pe, table, sections;
	const unsigned char *p;
	struct blob b;
	int rc = blob_open(&b, path, "hypervisor", &k->err);

	if (rc)
		return rc;
	p = b.data;
	pe = b.size > PE_AT + 4 && !memcmp(p, "MZ", 2) ? get32(p + PE_AT) : b.size;
	if (pe > b.size || b.size - pe < OPTIONAL_IMAGE_SIZE + 4 || memcmp(p + pe, "PE\0", 4))
		goto bad;
	*end = get32(p + pe + OPTIONAL_IMAGE_SIZE);
	sections = get32(p + pe + COFF_SECTIONS) & 0xffff;
	table = pe + COFF_SIZE + (get32(p + pe + COFF_OPTIONAL_SIZE) & 0xffff);
	if (table > b.size || sections * SECTION_SIZE > b.size - table)
		goto bad;
	for (size_t i = 0; i < sections && !rc; i++)
		if (!memcmp(p + table + i * SECTION_SIZE, ".kernel", 8))
			rc = keel_fail(&k->err, EINVAL,
				       "%s has a kernel in it already: name keel.efi as it was built", path);
	blob_free(&b);
	return rc;
bad:
	blob_free(&b);
	return keel_fail(&k->err, ENOEXEC, "%s is no keel.efi: it has no PE header", path);
}

void efi_image_close(struct efi_image *i)
{
	blob_free(&i->elf);
	blob_free(&i->packed);
}

/* i->kernel: unpacked, and one that can be Dom0. */
static int open_kernel(struct keel *k, struct efi_image *i)
{
	struct keel_error why;
	struct keel_elf parsed;
	int rc;

	if (i->elf.data)
		return 0;
	rc = blob_open(&i->packed, i->kernel, "kernel", &k->err);
	if (rc)
		return rc;
	rc = unpack_kernel(&i->packed, &i->elf, &why);
	if (!rc)
		rc = keel_elf_parse_dom0(&parsed, &i->elf, &why);
	if (!rc)
		return 0;
	efi_image_close(i);
	return keel_fail(&k->err, -rc, "%s: %s", i->kernel, why.text);
}

/* The version in vmlinuz-VERSION, or NULL. */
static const char *version_of(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return !strncmp(name, "vmlinuz-", 8) && name[8] ? name + 8 : NULL;
}

void efi_image_find_initrd(struct efi_image *i)
{
	static const char *const names[] = { "initrd.img-%s", "initrd-%s.img", "initramfs-%s.img" };
	const char *version = version_of(i->kernel);
	int folder = version ? version - strlen("vmlinuz-") - i->kernel : 0;

	for (size_t n = 0; version && n < sizeof(names) / sizeof(*names); n++) {
		char name[NAME_MAX + 16];

		snprintf(name, sizeof(name), names[n], version);
		if (snprintf(i->initrd, sizeof(i->initrd), "%.*s%s", folder, i->kernel, name) < PATH_MAX &&
		    !access(i->initrd, R_OK))
			return;
	}
	i->initrd[0] = 0;
}

static int is_kernel(const struct dirent *d)
{
	const char *version = version_of(d->d_name);

	return version && !strstr(version, ".dpkg-");
}

/*
 * The newest that can be Dom0, of those that have an initrd beside them or of the others: a kernel
 * that a package manager is about to install gets its initrd when its turn comes.
 */
static int take_newest(struct keel *k, const char *boot, struct dirent **found, int n,
		       struct efi_image *i, bool with_initrd)
{
	int rc = -ENOENT, passed = -1;

	for (int at = n - 1; at >= 0 && rc; at--) {
		snprintf(i->kernel, sizeof(i->kernel), "%.3800s/%s", boot, found[at]->d_name);
		efi_image_find_initrd(i);
		if (!*i->initrd == with_initrd) {
			passed = passed < 0 ? at : passed;
			continue;
		}
		rc = open_kernel(k, i);
		if (rc)
			keel_warn(k, "%s", k->err.text);
	}
	if (!rc && with_initrd && passed >= 0)
		keel_warn(k, "%s/%s has no initrd yet, and is not taken", boot, found[passed]->d_name);
	return rc;
}

int efi_image_find_kernel(struct keel *k, const char *boot, struct efi_image *i)
{
	struct dirent **found;
	int n = scandir(boot, &found, is_kernel, versionsort);
	int rc = take_newest(k, boot, found, n, i, true);

	if (rc)
		rc = take_newest(k, boot, found, n, i, false);
	for (int at = 0; at < n; at++)
		free(found[at]);
	if (n >= 0)
		free(found);
	if (rc)
		return keel_fail(&k->err, ENOENT, "there is no kernel in %s that can be Dom0: install Debian's linux-image-amd64, "
				 "or name one (--kernel)", boot);
	return 0;
}

static uint64_t aligned(uint64_t n)
{
	return (n + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static int check_files(struct keel *k, const struct efi_image *i)
{
	struct { const char *path, *what; } files[] = {
		{ i->initrd, "initrd" }, { i->key, "key" }, { i->cert, "certificate" },
	};
	struct blob b;

	for (size_t n = 0; n < sizeof(files) / sizeof(*files); n++) {
		if (!*files[n].path)
			continue;
		if (blob_open(&b, files[n].path, files[n].what, &k->err))
			return -k->err.code;
		blob_free(&b);
	}
	return 0;
}

int efi_image_check(struct keel *k, struct efi_image *i, uint64_t *size)
{
	uint64_t end = 0;
	int rc = check_hypervisor(k, i->hypervisor, &end);

	if (!rc)
		rc = check_files(k, i);
	if (!rc)
		rc = open_kernel(k, i);
	if (rc)
		return rc;
	*size = aligned(end) + aligned(i->elf.size) + aligned(keel_file_size(i->initrd)) + 2 * ALIGNMENT +
		(*i->key ? SIGNATURE_ROOM : 0);
	if (*size >= IMAGE_MAX)
		return keel_fail(&k->err, EFBIG, "kernel and initrd are too large for one image");
	return 0;
}

static int write_all(struct keel *k, const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && keel_write_bytes(fd, data, size);

	ok = (fd < 0 || !close(fd)) && ok;
	return ok ? 0 : keel_fail_errno(&k->err, "cannot write %s", path);
}

static int write_options(struct keel *k, const struct efi_image *i, const char *path)
{
	char text[sizeof(i->options) + sizeof(i->dom0_options) + 8];
	int n = snprintf(text, sizeof(text), "%s -- %s", i->options, i->dom0_options);

	return write_all(k, path, text, n);
}

/* Three sections, one behind the other, from @end on. */
static int add_sections(struct keel *k, const struct efi_image *i, const char *dir, uint64_t end)
{
	char kernel[PATH_MAX], cmdline[PATH_MAX], out[PATH_MAX];
	const char *argv[16] = { keel_objcopy };
	char text[6][PATH_MAX + 32];
	struct { const char *name, *path; } add[3] = {
		{ ".cmdline", cmdline }, { ".kernel", kernel }, { ".ramdisk", i->initrd },
	};
	unsigned int n = 0, args = 1;

	path_of(cmdline, dir, PART_CMDLINE);
	path_of(kernel, dir, PART_KERNEL);
	path_of(out, dir, PART_UNSIGNED);
	for (unsigned int a = 0; a < 3 && *add[a].path; a++) {
		end = aligned(end);
		snprintf(text[n], sizeof(text[n]), "%s=%s", add[a].name, add[a].path);
		argv[args++] = "--add-section";
		argv[args++] = text[n++];
		snprintf(text[n], sizeof(text[n]), "%s=%#llx", add[a].name, (unsigned long long)end);
		argv[args++] = "--change-section-vma";
		argv[args++] = text[n++];
		end += keel_file_size(add[a].path);
	}
	argv[args++] = i->hypervisor;
	argv[args++] = out;
	return program_run(k, argv, "binutils", "");
}

static int sign(struct keel *k, const struct efi_image *i, const char *in, const char *out)
{
	const char *signs[] = {
		keel_sbsign, "--key", i->key, "--cert", i->cert, "--output", out, in, NULL,
	};
	const char *verifies[] = { keel_sbverify, "--cert", i->cert, out, NULL };
	int rc = program_run(k, signs, "sbsigntool", "");

	return rc ? rc : program_run(k, verifies, "sbsigntool", "");
}

int efi_image_build(struct keel *k, const struct efi_image *i, const char *dir, char out[PATH_MAX])
{
	char path[PATH_MAX];
	uint64_t end = 0;
	int rc = check_hypervisor(k, i->hypervisor, &end);

	if (!rc)
		rc = keel_make_dirs(k, dir);
	if (rc)
		return rc;
	efi_image_clean(dir);
	path_of(path, dir, PART_KERNEL);
	rc = write_all(k, path, i->elf.data, i->elf.size);
	path_of(path, dir, PART_CMDLINE);
	if (!rc)
		rc = write_options(k, i, path);
	keel_progress(k, "making the image", 0, 0);
	if (!rc)
		rc = add_sections(k, i, dir, end);
	path_of(out, dir, *i->key ? PART_SIGNED : PART_UNSIGNED);
	path_of(path, dir, PART_UNSIGNED);
	if (!rc && *i->key)
		rc = sign(k, i, path, out);
	return rc;
}

void efi_image_clean(const char *dir)
{
	char path[PATH_MAX];

	for (int n = 0; n < PARTS; n++) {
		path_of(path, dir, n);
		unlink(path);
	}
}
