/* SPDX-License-Identifier: GPL-2.0-only */
/* A cloud image as it was published becomes a guest: its disk, a seed for cloud-init, a file. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/blob.h"
#include "lib/image.h"
#include "lib/net_define.h"

#define GIB (1ull << 30)
/* More is no cloud image, and may be a trap. */
#define LARGEST (2048 * GIB)
#define KEYS_MAX 65536

struct import {
	const char *image, *name, *format, *key_file, *network;
	struct seed seed;
	uint64_t size_kib, memory_kib;
	unsigned int vcpus;
	struct image_source source;
	struct image_info info;
	char uuid[37];			/* the guest's, and cloud-init's name of this machine */
	char *text;			/* the guest's file */
	char *disk, *seed_path, *config;
};

static bool handle(int option, const char *value, void *arg)
{
	struct import *i = arg;

	switch (option) {
	case 'N': i->name = value; return true;
	case 'u': i->seed.user = value; return true;
	case 'k': i->key_file = value; return true;
	case 'H': i->seed.hostname = value; return true;
	case 'w': i->network = value; return true;
	case 'F': i->format = value; return !strcmp(value, "qcow2") || !strcmp(value, "raw");
	case 's': return size_option(value, &i->size_kib);
	case 'm': return size_option(value, &i->memory_kib);
	case 'c': return number_option(value, GUEST_MAX_VCPUS, &i->vcpus) && i->vcpus;
	default: return false;
	}
}

static int check_image(struct keel *k, struct import *i)
{
	int rc = image_source_open(k, &i->source, i->image, i->format);

	if (!rc)
		rc = image_info(k, i->source.opened, i->source.format, &i->info);
	if (rc)
		return rc;
	if (i->info.encrypted || i->info.damaged)
		return keel_fail(&k->err, EINVAL, "%s is %s", i->image, i->info.damaged ? "marked as damaged" :
				 "encrypted");
	if (i->info.size < 1 << 20 || i->info.size > LARGEST)
		return keel_fail(&k->err, EFBIG, "%s is a disk of %llu bytes; 1 MiB to 2 TiB are sensible",
				 i->image, (unsigned long long)i->info.size);
	if (i->size_kib && i->size_kib << 10 < i->info.size)
		return keel_fail(&k->err, EINVAL, "%s is a disk of %llu MiB, and cannot become smaller", i->image,
				 (unsigned long long)(i->info.size >> 20));
	return i->size_kib << 10 > LARGEST ? keel_fail(&k->err, EFBIG, "--size: at most 2 TiB") : 0;
}

static int read_keys(struct keel *k, struct import *i)
{
	struct blob b;
	char *text;
	int rc = blob_open(&b, i->key_file, "SSH key", &k->err);

	if (rc)
		return rc;
	text = b.size <= KEYS_MAX ? calloc(1, b.size + 1) : NULL;
	if (text)
		memcpy(text, b.data, b.size);
	else
		rc = keel_fail(&k->err, EFBIG, "%s is too large for SSH keys", i->key_file);
	blob_free(&b);
	i->seed.keys = text;
	return rc;
}

/* The guest's file, read as `keel create` will. */
static int make_text(struct keel *k, struct import *i)
{
	struct guest_config g;
	char vif[64] = "";
	int rc;

	if (i->network)
		snprintf(vif, sizeof(vif), "vif = [ \"network=%s\" ]\n", i->network);
	if (asprintf(&i->text, "name = \"%s\"\nuuid = \"%s\"\ntype = \"pvh\"\n# It reads its menu from the guest's disk.\n"
		     "kernel = \"%s\"\nmemory = %llu\nvcpus = %u\n"
		     "disk = [ \"%s, qcow2, xvda, w\", \"%s, raw, xvdb, r\" ]\n%s", i->name, i->uuid,
		     guest_pvh_grub, (unsigned long long)i->memory_kib >> 10, i->vcpus, i->disk,
		     i->seed_path, vif) < 0) {
		i->text = NULL;
		return keel_fail(&k->err, ENOMEM, "no memory");
	}
	rc = config_parse(k, &g, i->text);
	if (!rc)
		guest_free(&g);
	return rc;
}

static int prepare(struct keel *k, struct import *i)
{
	int rc = images_check_name(k, i->name);

	if (!rc && strstr(i->name, "@@"))
		rc = keel_fail(&k->err, EINVAL, "the name '%s' may not hold @@, which mtools reads in its own way",
			       i->name);
	if (!rc && i->network)
		rc = net_name_check(i->network, &k->err);
	if (!rc && access(guest_pvh_grub, R_OK))
		rc = keel_fail(&k->err, ENOENT,
			       "there is no GRUB for PVH guests, %s, to start it with; the package grub-xen-host has it",
			       guest_pvh_grub);
	if (!rc && i->key_file)
		rc = read_keys(k, i);
	if (!i->seed.hostname)
		i->seed.hostname = i->name;
	if (!rc)
		rc = seed_check(k, &i->seed);
	i->disk = images_path(k, i->name, "disk.qcow2");
	i->seed_path = images_path(k, i->name, "seed.img");
	i->config = config_path(k, i->name);
	if (!rc && (!i->disk || !i->seed_path || !i->config))
		rc = -ENOMEM;
	if (!rc && !access(i->config, F_OK))
		rc = keel_fail(&k->err, EEXIST, "there is a guest '%s' already: %s", i->name, i->config);
	if (!rc)
		rc = make_text(k, i);
	return rc ? rc : check_image(k, i);
}

static int make_all(struct keel *k, struct import *i)
{
	int fd = images_make_folder(k, i->name), rc;

	if (fd < 0)
		return fd;
	rc = image_copy(k, i->source.opened, i->source.format, i->disk);
	if (!rc)
		rc = image_source_unchanged(k, &i->source);
	if (!rc && i->size_kib)
		rc = image_resize(k, i->disk, i->size_kib << 10);
	if (!rc)
		rc = seed_make(k, i->seed_path, &i->seed);
	if (!rc) {
		images_finish_folder(k, i->name);
		rc = config_store(k, i->name, i->text);
	}
	if (rc)
		images_remove_folder(k, i->name);
	close(fd);
	return rc;
}

static int done(struct keel *k, const struct import *i)
{
	uint64_t size = i->size_kib ? i->size_kib << 10 : i->info.size;
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s: %simported: %s, a disk of %llu MiB, from %s (%s)\n", i->name, would_be(k), i->config,
		       (unsigned long long)size >> 20, i->image, i->source.format);
		if (!k->dry_run)
			printf("`keel create %s` starts it.\n", i->name);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(i->name));
	json_object_object_add(j, "config", json_object_new_string(i->config));
	json_object_object_add(j, "disk", json_object_new_string(i->disk));
	json_object_object_add(j, "bytes", json_object_new_int64(size));
	return print_result(k, j, "imported");
}

static int import(struct keel *k, struct import *i)
{
	unsigned char uuid[16];
	char *image;
	sigset_t old;
	int rc;

	if (guest_uuid_make(uuid, &k->err) || guest_absolute(&image, i->image, &k->err))
		return report(k);
	guest_uuid_text(uuid, i->uuid);
	i->image = image;
	i->seed.instance = i->uuid;
	keel_hold_signals(&old);
	rc = prepare(k, i);
	if (!rc && !k->dry_run)
		rc = make_all(k, i);
	rc = rc ? report(k) : done(k, i);
	keel_release_signals(&old);
	image_source_close(&i->source);
	free(image);
	free((char *)i->seed.keys);
	free(i->text);
	free(i->disk);
	free(i->seed_path);
	free(i->config);
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'N' }, { "user", required_argument, NULL, 'u' },
		{ "ssh-key", required_argument, NULL, 'k' }, { "hostname", required_argument, NULL, 'H' },
		{ "network", required_argument, NULL, 'w' }, { "format", required_argument, NULL, 'F' },
		{ "size", required_argument, NULL, 's' }, { "memory", required_argument, NULL, 'm' },
		{ "vcpus", required_argument, NULL, 'c' }, { 0 },
	};
	struct import i = { .source.fd = -1, .memory_kib = 1 << 20, .vcpus = 1 };
	const struct options o = {
		.cmd = &cmd_import, .longs = longs, .handle = handle, .arg = &i, .min_args = 1, .max_args = 1,
	};
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (!i.name)
		return usage_error(k, &cmd_import, "the guest needs a name (--name NAME)");
	i.image = argv[optind];
	return import(k, &i);
}

const struct command cmd_import = {
	.name = "import",
	.args = "IMAGE --name NAME [OPTIONS]",
	.summary = "Makes a guest of a cloud image",
	.help =
	"IMAGE is qcow2, or raw. It is copied, and a guest is made that starts by the boot loader in it:\n"
	"/etc/keel/NAME.cfg, which `keel create NAME` uses. An image that refers to other files is refused.\n"
	"cloud-init in the image gets what the options say by a second disk.\n\n"
	"  --name NAME        the guest's\n"
	"  --user USER        a user who may do all by sudo, in place of the image's own\n"
	"  --ssh-key FILE     whose public key, or keys, let that user in\n"
	"  --hostname NAME    otherwise the guest's name\n"
	"  --network NAME     a network of `keel network`; none otherwise\n"
	"  --memory SIZE      MiB, or with a letter (k, m, g, t); 1g\n"
	"  --vcpus N          1\n"
	"  --size SIZE        of the disk: it grows\n"
	"  --format FORMAT    qcow2 or raw; otherwise the image says it\n",
	.run = run,
	.opens = true,
	.changes = true,
};
