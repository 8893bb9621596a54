/* SPDX-License-Identifier: GPL-2.0-only */
/* The entries of `disk` and `vif`: xl-disk-configuration(5), xl-network-configuration(5). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"

/*
 * Numbers of virtual disks, xen-vbd-interface(7): xvd has major 202 with 16 partitions up to
 * disk 15 and the extended form above; sd has major 8, hd major 3 with 64 partitions.
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
	return disk < 2 && part < 64 ? 3 << 8 | disk << 6 | part : 0;
}

/* The next comma-separated word of *@p without the blanks around it; NULL at the end. */
static char *next_word(char **p)
{
	char *word = *p, *end;

	if (!word)
		return NULL;
	end = strchr(word, ',');
	*p = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	while (isspace((unsigned char)*word))
		word++;
	end = word + strlen(word);
	while (end > word && isspace((unsigned char)end[-1]))
		*--end = 0;
	return word;
}

struct disk_parse {
	struct guest_disk *d;
	unsigned int positional;
	guest_warn_fn *warn;
	void *arg;
	struct keel_error *e;
};

static int set_target(struct disk_parse *p, const char *value)
{
	static const char *const prefixes[] = { "phy:", "file:", "raw:", "tap:aio:", "aio:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(value, prefixes[i], strlen(prefixes[i])))
			value += strlen(prefixes[i]);
	if (p->d->path)
		return keel_fail(p->e, EINVAL, "two targets, '%s' and '%s'", p->d->path, value);
	if (*value != '/')
		return keel_fail(p->e, EINVAL, "the target '%s' is not an absolute path", value);
	p->d->path = strdup(value);
	return p->d->path ? 0 : keel_fail(p->e, ENOMEM, "no memory");
}

static int set_format(struct disk_parse *p, const char *value)
{
	if (!*value || !strcmp(value, "raw"))
		return 0;
	return keel_fail(p->e, EINVAL, "format '%s' is not supported, only raw; convert the image "
			 "(qemu-img convert -O raw)", value);
}

static int set_vdev(struct disk_parse *p, const char *value)
{
	if (!strncmp(value, "/dev/", 5))
		value += 5;
	p->d->number = guest_vdev_number(value);
	if (!p->d->number || strlen(value) >= sizeof(p->d->vdev))
		return keel_fail(p->e, EINVAL, "'%s' is no virtual device (xvda, xvdb1, sda, ...)", value);
	strcpy(p->d->vdev, value);
	return 0;
}

static int set_access(struct disk_parse *p, const char *value)
{
	if (!*value)
		return 0;
	if (!strcmp(value, "r") || !strcmp(value, "ro")) {
		p->d->readonly = true;
		return 0;
	}
	if (!strcmp(value, "w") || !strcmp(value, "rw")) {
		p->d->readonly = false;
		return 0;
	}
	return keel_fail(p->e, EINVAL, "access '%s' is neither r nor w", value);
}

static int set_backendtype(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "phy"))
		return 0;
	return keel_fail(p->e, EINVAL, "backendtype '%s' is not supported, only phy", value);
}

static int set_backend(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "0") || !strcmp(value, "Domain-0"))
		return 0;
	return keel_fail(p->e, EINVAL, "backend '%s': only Dom0 serves disks", value);
}

static int set_devtype(struct disk_parse *p, const char *value)
{
	if (!strcmp(value, "disk"))
		return 0;
	return keel_fail(p->e, EINVAL, "devtype '%s' is not supported: a PVH guest has disks only",
			 value);
}

static int set_ignored(struct disk_parse *p, const char *value)
{
	if (p->warn)
		p->warn(p->arg, "this disk option has no effect here");
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct disk_parse *p, const char *value);
} disk_keys[] = {
	{ "format", set_format }, { "vdev", set_vdev }, { "access", set_access },
	{ "target", set_target }, { "backendtype", set_backendtype }, { "backend", set_backend },
	{ "devtype", set_devtype }, { "cache", set_ignored },
};

static int disk_flag(struct disk_parse *p, const char *word)
{
	if (!strcmp(word, "discard") || !strcmp(word, "no-discard") ||
	    !strcmp(word, "direct-io-safe"))
		return set_ignored(p, word);
	if (!strcmp(word, "cdrom"))
		return set_devtype(p, word);
	return 1;
}

/* A word that names its meaning: 0 taken, 1 not one of those. */
static int disk_named(struct disk_parse *p, char *word, char *rest)
{
	char *value = strchr(word, '=');

	if (!value)
		return disk_flag(p, word);
	if (*word == '/')
		return 1;
	*value++ = 0;
	if (!strcmp(word, "target") && rest) {
		/* The target goes to the end, commas included. */
		value[strlen(value)] = ',';
	}
	for (size_t i = 0; i < sizeof(disk_keys) / sizeof(disk_keys[0]); i++)
		if (!strcmp(word, disk_keys[i].key))
			return disk_keys[i].set(p, value);
	return keel_fail(p->e, EINVAL, "unknown disk option '%s' (there are target, format, vdev, "
			 "access)", word);
}

static int disk_word(struct disk_parse *p, char *word)
{
	static int (*const order[])(struct disk_parse *p, const char *value) = {
		set_target, set_format, set_vdev, set_access,
	};

	if (p->positional == sizeof(order) / sizeof(order[0]))
		return keel_fail(p->e, EINVAL, "unknown disk option '%s'", word);
	/* The old form TARGET,VDEV,ACCESS leaves the format out. */
	if (p->positional == 1 && guest_vdev_number(word))
		p->positional = 2;
	return order[p->positional++](p, word);
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
	while (!rc && (word = next_word(&rest))) {
		bool target = !strncmp(word, "target=", 7);

		rc = disk_named(&p, word, target ? rest : NULL);
		if (rc == 1)
			rc = disk_word(&p, word);
		if (target)
			break;
	}
	if (!rc && !d->path)
		rc = keel_fail(e, EINVAL, "the disk has no target (the file or block device)");
	if (!rc && !d->number)
		rc = keel_fail(e, EINVAL, "the disk has no vdev (xvda, xvdb, ...)");
	free(copy);
	if (rc) {
		free(d->path);
		d->path = NULL;
	}
	return rc;
}

static int parse_mac(struct guest_vif *v, const char *value, struct keel_error *e)
{
	if (guest_mac_parse(value, v->mac))
		return keel_fail(e, EINVAL, "mac '%s' is not six bytes like 00:16:3e:12:34:56", value);
	if (v->mac[0] & 1)
		return keel_fail(e, EINVAL, "mac '%s' is a multicast address; its first byte must be "
				 "even", value);
	v->has_mac = true;
	return 0;
}

static int interface_name(char out[16], const char *what, const char *value,
			  struct keel_error *e)
{
	if (!*value || strlen(value) > 15 || strpbrk(value, "/ \t"))
		return keel_fail(e, EINVAL, "%s '%s' is no name of an interface (1 to 15 characters, no "
				 "slash or blank)", what, value);
	strcpy(out, value);
	return 0;
}

static int vif_word(struct guest_vif *v, char *word, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	static const char *const ignored[] = {
		"script", "ip", "model", "rate", "mtu", "gatewaydev", "type",
	};
	char *value = strchr(word, '=');

	if (!value)
		return keel_fail(e, EINVAL, "'%s' in a vif is not of the form key=value", word);
	*value++ = 0;
	if (!strcmp(word, "mac"))
		return parse_mac(v, value, e);
	if (!strcmp(word, "bridge"))
		return interface_name(v->bridge, "bridge", value, e);
	if (!strcmp(word, "vifname"))
		return interface_name(v->name, "vifname", value, e);
	if (!strcmp(word, "backend") && (!strcmp(value, "0") || !strcmp(value, "Domain-0")))
		return 0;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(word, ignored[i])) {
			if (warn)
				warn(arg, "this vif option has no effect here");
			return 0;
		}
	return keel_fail(e, EINVAL, "unknown vif option '%s' (there are mac, bridge, vifname)", word);
}

int guest_parse_vif(struct guest_vif *v, const char *spec, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	char *copy = strdup(spec), *rest = copy, *word;
	int rc = 0;

	*v = (struct guest_vif){ .bridge = "xenbr0" };
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	while (!rc && (word = next_word(&rest)))
		if (*word)
			rc = vif_word(v, word, warn, arg, e);
	free(copy);
	return rc;
}
