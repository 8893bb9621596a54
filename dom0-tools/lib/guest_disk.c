/* SPDX-License-Identifier: GPL-2.0-only */
/* The entries of `disk`: xl-disk-configuration(5). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest_internal.h"

/*
 * Numbers of virtual disks, xen-vbd-interface(7): xvd has major 202 with 16 partitions up to
 * disk 15 and the extended form above; sd has major 8, hd majors 3 and 22 with 64 partitions.
 */
unsigned int guest_vdev_number(const char *vdev)
{
	unsigned int disk, part = 0;
	const char *p = vdev + 3;
	char *end;

	if (strncmp(vdev, "xvd", 3) && strncmp(vdev, "sd", 2) && strncmp(vdev, "hd", 2))
		return 0;
	if (vdev[0] != 'x')
		p = vdev + 2;
	if (*p < 'a' || *p > 'z')
		return 0;
	disk = *p++ - 'a';
	if (*p >= 'a' && *p <= 'z')
		disk = (disk + 1) * 26 + (*p++ - 'a');
	if (*p) {
		if (!isdigit((unsigned char)*p) || *p == '0')
			return 0;
		part = strtoul(p, &end, 10);
		if (*end || part > 255)
			return 0;
	}
	if (vdev[0] == 'x')
		return disk < 16 && part < 16 ? 202 << 8 | disk << 4 | part :
						1u << 28 | disk << 8 | part;
	if (vdev[0] == 's')
		return disk < 16 && part < 16 ? 8 << 8 | disk << 4 | part : 0;
	return disk < 4 && part < 64 ? (disk < 2 ? 3 : 22) << 8 | (disk & 1) << 6 | part : 0;
}

/* What xl calls a format, or people do, and what QEMU calls it. */
static const struct format {
	const char *name, *qemu;
} formats[] = {
	{ "qcow2", "qcow2" }, { "qcow", "qcow" }, { "qed", "qed" }, { "vhd", "vpc" }, { "vpc", "vpc" },
	{ "vhdx", "vhdx" }, { "vmdk", "vmdk" }, { "vdi", "vdi" },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static const struct format *format_named(const char *name, size_t length)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (strlen(formats[i].name) == length && !strncmp(name, formats[i].name, length))
			return &formats[i];
	return NULL;
}

const char *guest_format_qemu(const char *format)
{
	return format ? format_named(format, strlen(format))->qemu : "raw";
}

bool guest_disk_served(const struct guest_disk *d)
{
	return d->format || d->bps || d->iops;
}

const char *guest_format_of_qemu(const char *qemu)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (!strcmp(formats[i].qemu, qemu))
			return formats[i].name;
	return NULL;
}

struct disk_parse {
	struct guest_disk *d;
	unsigned int positional;
	bool cdrom, has_format;
	guest_warn_fn *warn;
	void *arg;
	struct keel_error *e;
};

static int no_script(struct disk_parse *p, const char *value)
{
	return keel_fail(p->e, EINVAL,
			 "the script '%s' is not run; attach the device in Dom0 (iscsiadm, nbd-client, "
			 "drbdadm) and name the block device", value);
}

static int set_script(struct disk_parse *p, const char *value)
{
	return *value ? no_script(p, value) : 0;
}

static int set_format(struct disk_parse *p, const char *value)
{
	const struct format *f = format_named(value, strlen(value));
	const char *name = f ? guest_format_of_qemu(f->qemu) : NULL;

	if (!*value)
		return 0;
	if (!f && strcmp(value, "raw"))
		return keel_fail(p->e, EINVAL, "format '%s' is none of raw, qcow2, qcow, qed, vhd, vhdx, vmdk and vdi",
				 value);
	if (p->has_format && name != p->d->format)
		return keel_fail(p->e, EINVAL, "two formats, '%s' and '%s'", p->d->format ? p->d->format : "raw",
				 value);
	p->has_format = true;
	p->d->format = name;
	return 0;
}

/* One of the prefixes that xl takes and that change nothing any more; its length, or 0. */
static size_t plain_prefix(const char *value)
{
	static const char *const plain[] = { "phy:", "file:", "raw:", "tap:", "tap2:", "aio:", "ioemu:" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strncmp(value, plain[i], strlen(plain[i])))
			return strlen(plain[i]);
	return 0;
}

/* One that names the format, which it sets; its length, or 0, or an error. */
static int format_prefix(struct disk_parse *p, const char *value)
{
	size_t n = strcspn(value, ":");
	const struct format *f = value[n] ? format_named(value, n) : NULL;
	int rc = f ? set_format(p, f->name) : 0;

	return f && !rc ? (int)n + 1 : rc;
}

/* Others name a script that makes the device. */
static int refuse_script(struct disk_parse *p, const char *value)
{
	static const char *const scripts[] = { "iscsi:", "nbd:", "enbd:", "drbd:" };

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (!strncmp(value, scripts[i], strlen(scripts[i])))
			return no_script(p, value);
	return 0;
}

static int set_target(struct disk_parse *p, const char *value)
{
	bool phy = false;
	char in_dev[256];
	int n;

	while ((n = plain_prefix(value)) || (n = format_prefix(p, value)) > 0) {
		phy |= !strncmp(value, "phy:", 4);
		value += n;
	}
	if (n < 0 || refuse_script(p, value))
		return -EINVAL;
	if (p->d->path)
		return keel_fail(p->e, EINVAL, "two targets, '%s' and '%s'", p->d->path, value);
	if (!*value)
		return keel_fail(p->e, EINVAL, "the target is empty; an empty CD drive cannot be given");
	if (phy && *value != '/') {
		snprintf(in_dev, sizeof(in_dev), "/dev/%s", value);
		value = in_dev;
	}
	return guest_absolute(&p->d->path, value, p->e);
}

/* Linux leaves alone what calls itself a CD drive, as a PVH guest. */
static int set_devtype(struct disk_parse *p, const char *value)
{
	p->cdrom |= !strcmp(value, "cdrom");
	if (p->cdrom || !strcmp(value, "disk"))
		return 0;
	return keel_fail(p->e, EINVAL, "devtype '%s' is none of disk and cdrom", value);
}

static int set_vdev(struct disk_parse *p, const char *value)
{
	char word[32];
	char *kind;

	if (!strncmp(value, "/dev/", 5))
		value += 5;
	if (!strncmp(value, "ioemu:", 6))
		value += 6;
	snprintf(word, sizeof(word), "%s", value);
	kind = strchr(word, ':');
	if (kind)
		*kind++ = 0;
	if (kind && set_devtype(p, kind))
		return -EINVAL;
	if (p->d->number)
		return keel_fail(p->e, EINVAL, "two virtual devices, '%s' and '%s'", p->d->vdev, value);
	p->d->number = guest_vdev_number(word);
	if (!p->d->number || strlen(word) >= sizeof(p->d->vdev))
		return keel_fail(p->e, EINVAL, "'%s' is no virtual device (xvda, xvdb1, sda, ...)", value);
	strcpy(p->d->vdev, word);
	return 0;
}

static int set_access(struct disk_parse *p, const char *value)
{
	if (!*value)
		return 0;
	p->d->readonly = !strcmp(value, "r") || !strcmp(value, "ro");
	p->d->shared = !strcmp(value, "w!");
	if (p->d->readonly || p->d->shared || !strcmp(value, "w") || !strcmp(value, "rw"))
		return 0;
	return keel_fail(p->e, EINVAL, "access '%s' is none of r, w and w!", value);
}

/* Who serves the image's bytes makes no difference to the guest: here it is blkback. */
static int set_backendtype(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "phy") || !strcmp(value, "tap") || !strcmp(value, "qdisk"))
		return 0;
	return keel_fail(p->e, EINVAL,
			 "backendtype '%s' is not supported, only phy, and qdisk and tap as the same", value);
}

static int set_specification(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "xen"))
		return 0;
	return keel_fail(p->e, EINVAL,
			 "specification '%s' is not supported: a guest's disks are Xen's (xen)", value);
}

static int set_backend(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "0") || !strcmp(value, "Domain-0"))
		return 0;
	return keel_fail(p->e, EINVAL, "backend '%s': only Dom0 serves disks", value);
}

static int set_cache(struct disk_parse *p, const char *value)
{
	guest_no_effect(p->warn, p->arg, "disk", "cache");
	return 0;
}

/* The largest one that QEMU takes (THROTTLE_VALUE_MAX). */
#define LIMIT_MAX 1000000000000000ull

static int set_limit(struct disk_parse *p, const char *key, const char *value, uint64_t min,
		     uint64_t *limit)
{
	static const char letters[] = "kmg";
	char *end;
	const char *letter;
	uint64_t n;

	errno = 0;
	n = isdigit((unsigned char)*value) ? strtoull(value, &end, 10) : 0;
	letter = n && *end ? strchr(letters, *end) : NULL;
	if (!n || errno || (*end && (!letter || end[1])))
		return keel_fail(p->e, EINVAL, "%s '%s' is no number, or one with k, m or g", key, value);
	for (int i = letter ? letter - letters + 1 : 0; i && n <= LIMIT_MAX; i--)
		n <<= 10;
	if (n < min || n > LIMIT_MAX)
		return keel_fail(p->e, EINVAL, "%s '%s' is not between %llu and %llu", key, value,
				 (unsigned long long)min, LIMIT_MAX);
	*limit = n;
	return 0;
}

/* With less, a page would take more than a second. */
static int set_bps(struct disk_parse *p, const char *value)
{
	return set_limit(p, "bps", value, 4096, &p->d->bps);
}

static int set_iops(struct disk_parse *p, const char *value)
{
	return set_limit(p, "iops", value, 1, &p->d->iops);
}

static const struct {
	const char *key;
	int (*set)(struct disk_parse *p, const char *value);
} disk_keys[] = {
	{ "format", set_format }, { "vdev", set_vdev }, { "access", set_access },
	{ "target", set_target }, { "backendtype", set_backendtype }, { "backend", set_backend },
	{ "devtype", set_devtype }, { "cache", set_cache }, { "script", set_script },
	{ "specification", set_specification }, { "bps", set_bps }, { "iops", set_iops },
};

static int disk_flag(struct disk_parse *p, const char *word)
{
	if (!strcmp(word, "discard") || !strcmp(word, "no-discard")) {
		p->d->no_discard = *word == 'n';
		return 0;
	}
	if (!strcmp(word, "direct-io-safe")) {	/* blkback never copies what it writes */
		guest_no_effect(p->warn, p->arg, "disk", word);
		return 0;
	}
	if (!strcmp(word, "cdrom"))
		return set_devtype(p, word);
	if (!strncmp(word, "colo", 4))
		return keel_fail(p->e, EINVAL,
				 "the disk option '%s' of xl is refused: keel copies no running guests", word);
	return 1;
}

/*
 * A word that names its meaning: 0 taken, 1 not one of those. @target: what is behind target= up
 * to the end, commas and blanks included; or NULL.
 */
static int disk_named(struct disk_parse *p, char *word, const char *target)
{
	char *value = strchr(word, '=');

	if (!value)
		return disk_flag(p, word);
	if (*word == '/')
		return 1;
	*value++ = 0;
	if (target)
		return set_target(p, target);
	for (size_t i = 0; i < sizeof(disk_keys) / sizeof(disk_keys[0]); i++)
		if (!strcmp(word, disk_keys[i].key))
			return disk_keys[i].set(p, value);
	return keel_fail(p->e, EINVAL,
			 "unknown disk option '%s' (there are target, format, vdev, access, backendtype, "
			 "specification, bps, iops)", word);
}

static bool names_vdev(const char *word)
{
	struct disk_parse p = { .d = &(struct guest_disk){ 0 }, .e = &(struct keel_error){ 0 } };

	set_vdev(&p, word);
	return p.d->number != 0 || strchr(word, ':');
}

static int disk_word(struct disk_parse *p, char *word)
{
	static int (*const order[])(struct disk_parse *p, const char *value) = {
		set_target, set_format, set_vdev, set_access,
	};

	if (p->positional == sizeof(order) / sizeof(order[0])) {
		if (!*word)
			return 0;
		return keel_fail(p->e, EINVAL, "unknown disk option '%s'", word);
	}
	/* The old form TARGET,VDEV,ACCESS leaves the format out. */
	if (p->positional == 1 && names_vdev(word))
		p->positional = 2;
	return order[p->positional++](p, word);
}

/* What the options make together. */
static int disk_whole(struct disk_parse *p)
{
	struct guest_disk *d = p->d;

	if (!d->path)
		return keel_fail(p->e, EINVAL, "the disk has no target (the file or block device)");
	if (!d->number)
		return keel_fail(p->e, EINVAL, "the disk has no vdev (xvda, xvdb, ...)");
	if (p->cdrom) {
		d->readonly = true;
		d->shared = false;
		if (p->warn)
			p->warn(p->arg, "a PVH guest has no CD drives: it gets the image as a disk to read");
	}
	if (d->shared && d->format)
		return keel_fail(p->e, EINVAL, "access 'w!' does not go with format '%s': two that write to such an "
				 "image destroy it; only raw disks can be shared", d->format);
	if (d->shared && guest_disk_served(d))
		return keel_fail(p->e, EINVAL, "access 'w!' does not go with bps and iops: the program that keeps to "
				 "limits wants a disk for itself");
	return 0;
}

int guest_parse_disk(struct guest_disk *d, const char *spec, guest_warn_fn *warn, void *arg,
		     struct keel_error *e)
{
	struct disk_parse p = { .d = d, .warn = warn, .arg = arg, .e = e };
	char *copy = strdup(spec), *rest = copy, *word;
	int rc = 0;

	*d = (struct guest_disk){ 0 };
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	while (!rc && (word = guest_next_word(&rest))) {
		bool target = !strncmp(word, "target=", 7);

		/* With a comma in it, it is taken from @spec: in the copy it is cut. */
		rc = disk_named(&p, word, target && rest ? spec + (word + 7 - copy) : NULL);
		if (rc == 1)
			rc = disk_word(&p, word);
		if (target)
			break;
	}
	if (!rc)
		rc = disk_whole(&p);
	free(copy);
	if (rc) {
		free(d->path);
		d->path = NULL;
	}
	return rc;
}
