/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/efi.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/program.h"
#include "lib/sysfs.h"

#define GLOBAL		"8be4df61-93ca-11d2-aa0d-00e098032b8c"	/* EFI_GLOBAL_VARIABLE */
#define ATTRIBUTES	4	/* Linux puts them before the value */
#define VARIABLE_MAX	4096

/* UEFI 2.10, 3.1.3: attributes of an entry. Applications are started by the user only. */
#define ENTRY_ACTIVE	0x1
#define ENTRY_CATEGORY	0x1f00

/* UEFI 2.10, 10.3.1: a node's type, subtype, and length with this header. */
#define NODE_HEADER	4
#define NODE_MEDIA	4
#define NODE_PARTITION	1
#define NODE_FILE	4
#define NODE_END	0x7f

const char *keel_efivars = "/sys/firmware/efi/efivars";
const char *keel_efibootmgr = "/usr/bin/efibootmgr";

/* The value's size without attributes, at most VARIABLE_MAX; -1: there is no such variable. */
static int read_variable(const char *name, unsigned char *value)
{
	unsigned char raw[ATTRIBUTES + VARIABLE_MAX];
	char path[SYSFS_PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s-" GLOBAL, keel_efivars, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, raw, sizeof(raw));
	close(fd);
	if (n < ATTRIBUTES)
		return -1;
	memcpy(value, raw + ATTRIBUTES, n - ATTRIBUTES);
	return n - ATTRIBUTES;
}

static unsigned int get16(const unsigned char *p)
{
	return p[0] | p[1] << 8;
}

/* Characters that are not ASCII become question marks. Returns how many bytes it has read. */
static size_t take_text(char *out, size_t size, const unsigned char *p, size_t left)
{
	size_t used = strlen(out), n;

	for (n = 0; n + 2 <= left && get16(p + n); n += 2) {
		unsigned int c = get16(p + n);

		if (used + 1 < size)
			out[used++] = c < 0x80 && isprint(c) ? c : '?';
	}
	out[used] = 0;
	return n + 2;
}

/* A device path: the partition that it names, and the file, whose name may be in several nodes. */
static void take_path(struct efi_entry *e, const unsigned char *p, size_t left)
{
	size_t size;

	for (; left >= NODE_HEADER && p[0] != NODE_END; p += size, left -= size) {
		size = get16(p + 2);
		if (size < NODE_HEADER || size > left)
			return;
		if (p[0] == NODE_MEDIA && p[1] == NODE_PARTITION && size >= 16) {
			memcpy(&e->part, p + 4, 4);
			memcpy(&e->start, p + 8, 8);
		} else if (p[0] == NODE_MEDIA && p[1] == NODE_FILE) {
			take_text(e->file, sizeof(e->file), p + NODE_HEADER, size - NODE_HEADER);
		}
	}
}

/* EFI_LOAD_OPTION, UEFI 2.10, 3.1.3. False: damaged. */
static bool take_entry(struct efi_entry *e, const unsigned char *p, size_t size)
{
	size_t path, at = 6;

	if (size < at)
		return false;
	e->boots = (get16(p) & ENTRY_ACTIVE) && !(get16(p) & ENTRY_CATEGORY);
	path = get16(p + 4);
	at += take_text(e->label, sizeof(e->label), p + at, size - at);
	if (at > size)
		return false;
	take_path(e, p + at, path < size - at ? path : size - at);
	return true;
}

/* Boot####-GUID: the number, or -1. */
static int number_of(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, "Boot", 4) || strspn(name + 4, "0123456789ABCDEFabcdef") != 4)
		return -1;
	n = strtol(name + 4, &end, 16);
	return strcmp(end, "-" GLOBAL) ? -1 : n;
}

/* The entries among the variables; returns how many variables there are, or a negative errno. */
static int read_entries(struct keel *k, struct efi_boot *b)
{
	unsigned char value[VARIABLE_MAX];
	char **names = NULL;
	int n = sysfs_list(&names, "%s", keel_efivars);

	b->entries = n > 0 ? calloc(n, sizeof(*b->entries)) : NULL;
	for (int i = 0; i < n; i++) {
		struct efi_entry e = { 0 };
		int number = number_of(names[i]), size;
		char name[16];

		free(names[i]);
		if (number < 0 || !b->entries)
			continue;
		snprintf(name, sizeof(name), "Boot%04X", number);
		e.number = number;
		size = read_variable(name, value);
		if (size >= 0 && take_entry(&e, value, size))
			b->entries[b->nr_entries++] = e;
	}
	if (n >= 0)
		free(names);
	return n > 0 && !b->entries ? keel_fail(&k->err, ENOMEM, "no memory") : n;
}

static int read_number(const char *name)
{
	unsigned char value[VARIABLE_MAX];

	return read_variable(name, value) == 2 ? (int)get16(value) : -1;
}

static int read_order(struct keel *k, struct efi_boot *b)
{
	unsigned char value[VARIABLE_MAX];
	int size = read_variable("BootOrder", value);

	if (size < 2)
		return 0;
	b->order = calloc(size / 2, sizeof(*b->order));
	if (!b->order)
		return keel_fail(&k->err, ENOMEM, "no memory");
	b->nr_order = size / 2;
	for (unsigned int i = 0; i < b->nr_order; i++)
		b->order[i] = get16(value + 2 * i);
	return 0;
}

int efi_no_variables(struct keel *k, int error)
{
	char firmware[SYSFS_PATH_MAX];

	snprintf(firmware, sizeof(firmware), "%s/..", keel_efivars);
	if (access(firmware, F_OK))
		return keel_fail(&k->err, ENOTSUP, "Linux sees no UEFI firmware here: the machine was started by its "
				 "BIOS, or by something that does not pass UEFI's services on");
	return keel_fail(&k->err, ENOENT, "the firmware's variables are not in %s%s%s: mount -t efivarfs efivarfs %s",
			 keel_efivars, error ? ": " : "", error ? strerror(error) : "", keel_efivars);
}

int efi_boot_read(struct keel *k, struct efi_boot *b, bool write)
{
	unsigned char value[VARIABLE_MAX];
	struct statvfs fs;
	int n;

	*b = (struct efi_boot){ 0 };
	n = read_entries(k, b);
	if (n == -ENOMEM)
		return n;
	if (n <= 0)
		return efi_no_variables(k, -n);
	if (write && !statvfs(keel_efivars, &fs) && (fs.f_flag & ST_RDONLY))
		return keel_fail(&k->err, EROFS, "the firmware's variables are mounted read-only: mount -o remount,rw %s",
				 keel_efivars);
	b->current = read_number("BootCurrent");
	b->next = read_number("BootNext");
	b->secure = read_variable("SecureBoot", value) == 1 && value[0] == 1;
	return read_order(k, b);
}

void efi_boot_free(struct efi_boot *b)
{
	free(b->order);
	free(b->entries);
	*b = (struct efi_boot){ 0 };
}

const struct efi_entry *efi_find(const struct efi_boot *b, int number)
{
	for (unsigned int i = 0; i < b->nr_entries; i++)
		if ((int)b->entries[i].number == number)
			return &b->entries[i];
	return NULL;
}

bool efi_in_order(const struct efi_boot *b, int number)
{
	for (unsigned int i = 0; i < b->nr_order; i++)
		if ((int)b->order[i] == number)
			return true;
	return false;
}

/* @argv[0] is filled in here. */
static int change(struct keel *k, const char **argv)
{
	int rc;

	argv[0] = keel_efibootmgr;
	rc = program_run(k, argv, "efibootmgr", "");
	if (rc && strstr(k->err.text, strerror(ENOSPC)))
		return keel_fail(&k->err, ENOSPC, "the firmware has no room for another variable: remove boot entries "
				 "that nobody needs (efibootmgr -b NUMBER -B), or old crash dumps (%s/dump-*)", keel_efivars);
	return rc;
}

int efi_create(struct keel *k, const char *disk, unsigned int part, const char *file,
	       const char *label)
{
	char number[16];
	const char *argv[] = {
		NULL, "--quiet", "--create-only", "--disk", disk, "--part", number, "--loader", file,
		"--label", label, NULL,
	};

	snprintf(number, sizeof(number), "%u", part);
	return change(k, argv);
}

int efi_set_next(struct keel *k, unsigned int number)
{
	char text[8];
	const char *argv[] = { NULL, "--quiet", "--bootnext", text, NULL };

	snprintf(text, sizeof(text), "%04X", number & 0xffff);
	return change(k, argv);
}

int efi_clear_next(struct keel *k)
{
	const char *argv[] = { NULL, "--quiet", "--delete-bootnext", NULL };

	return change(k, argv);
}

int efi_set_order(struct keel *k, const unsigned int *order, unsigned int n)
{
	char *text = malloc(n * 5 + 1);
	const char *argv[] = { NULL, "--quiet", "--bootorder", text, NULL };
	int rc;

	if (!text)
		return keel_fail(&k->err, ENOMEM, "no memory");
	for (unsigned int i = 0; i < n; i++)
		sprintf(text + i * 5, "%04X%s", order[i] & 0xffff, i + 1 < n ? "," : "");
	if (!n) {
		argv[2] = "--delete-bootorder";
		argv[3] = NULL;
	}
	rc = change(k, argv);
	free(text);
	return rc;
}

int efi_delete(struct keel *k, unsigned int number)
{
	char text[8];
	const char *argv[] = { NULL, "--quiet", "--bootnum", text, "--delete-bootnum", NULL };

	snprintf(text, sizeof(text), "%04X", number & 0xffff);
	return change(k, argv);
}
