/* SPDX-License-Identifier: GPL-2.0-only */
/* Another guest like one that there is. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/image.h"

struct clone {
	const struct guest_config *from;
	struct guest_config to;		/* its disks' paths are its own */
	const char *name;
	bool full;
	unsigned int made;		/* so many of the disks have been dealt with */
	char *config;
};

/* A file that nobody may write is a template. */
static bool is_template(const struct guest_disk *d)
{
	struct stat st;

	return !stat(d->path, &st) && S_ISREG(st.st_mode) && !(st.st_mode & 0222);
}

static int check_disk(struct keel *k, const struct clone *c, const struct guest_disk *d)
{
	int rc;

	if (d->readonly)
		return 0;
	if (d->shared)
		return keel_fail(&k->err, EINVAL, "disk %s is shared by guests (w!); what a copy should have is not "
				 "clear", d->path);
	if (c->full)
		return image_check_unused(k, d);
	if (is_template(d))
		return 0;
	rc = image_check_keep(k, d, c->name);
	if (rc != -EINVAL)
		return rc;
	return keel_fail(&k->err, EINVAL, "disk %s cannot be what an overlay is based on: only qcow2 images, and "
			 "files that nobody may write; copy it whole (--full)", d->path);
}

/* A kept state of the source is what both are overlays of, or the source is for nobody to write. */
static int overlay(struct keel *k, struct clone *c, const struct guest_disk *d, const char *path)
{
	char *base;
	int rc;

	if (is_template(d))
		return image_overlay(k, d->path, guest_format_qemu(d->format), path);
	rc = image_keep(k, d, c->name);
	if (rc)
		return rc;
	base = image_kept_path(k, d, c->name);
	rc = base ? image_overlay(k, base, "qcow2", path) : -ENOMEM;
	free(base);
	if (rc)
		image_unkeep(k, d, c->name);
	return rc;
}

static int make_disk(struct keel *k, struct clone *c, unsigned int i)
{
	const struct guest_disk *d = &c->from->disk[i];
	const char *path = c->to.disk[i].path;

	if (d->readonly)
		return 0;
	return c->full ? image_copy(k, d->path, guest_format_qemu(d->format), path) :
			 overlay(k, c, d, path);
}

static void undo(struct keel *k, struct clone *c)
{
	while (c->made--)
		if (!c->full && !c->from->disk[c->made].readonly && !is_template(&c->from->disk[c->made]))
			image_unkeep(k, &c->from->disk[c->made], c->name);
	images_remove_folder(k, c->name);
}

static int make_all(struct keel *k, struct clone *c)
{
	char *text = guest_to_text(&c->to);
	int fd = text ? images_make_folder(k, c->name) : keel_fail(&k->err, ENOMEM, "no memory");
	int rc = fd < 0 ? fd : 0;

	if (!rc) {
		for (c->made = 0; c->made < c->to.disks && !rc; c->made++)
			rc = make_disk(k, c, c->made);
		c->made -= rc ? 1 : 0;
		if (!rc) {
			images_finish_folder(k, c->name);
			rc = config_store(k, c->name, text);
		}
		if (rc)
			undo(k, c);
		close(fd);
	}
	free(text);
	return rc;
}

/* What only one guest can have is another's, or nobody's. */
static int make_own(struct keel *k, struct clone *c)
{
	struct guest_config *g = &c->to;
	char file[24];

	*g = *c->from;
	g->name = (char *)c->name;
	if (guest_uuid_make(g->uuid, &k->err))
		return -k->err.code;
	g->has_uuid = true;
	for (unsigned int i = 0; i < g->vifs; i++) {
		struct guest_vif *v = &g->vif[i];

		if (v->name[0] || v->ip[0])
			keel_warn(k, "vifname and ip of interface %u are not copied: only one guest can have them", i);
		v->name[0] = v->ip[0] = 0;
		v->has_mac = false;
		vif_choose_mac(v);
	}
	if (g->pcis)
		keel_warn(k, "PCI functions are not copied: only one guest can have them");
	g->pcis = 0;
	for (unsigned int i = 0; i < g->disks; i++) {
		if (g->disk[i].readonly)
			continue;
		snprintf(file, sizeof(file), "%s.qcow2", g->disk[i].vdev);
		g->disk[i].format = "qcow2";
		g->disk[i].path = images_path(k, c->name, file);
		if (!g->disk[i].path)
			return -ENOMEM;
	}
	return 0;
}

static void free_own(struct clone *c)
{
	for (unsigned int i = 0; i < c->to.disks; i++)
		if (c->to.disk[i].path != c->from->disk[i].path)
			free(c->to.disk[i].path);
	free(c->config);
}

static int prepare(struct keel *k, struct clone *c)
{
	int rc = images_check_name(k, c->name);

	if (!rc && !strcmp(c->name, c->from->name))
		rc = keel_fail(&k->err, EINVAL, "the new guest needs another name than '%s'", c->name);
	c->config = rc ? NULL : config_path(k, c->name);
	if (!rc && !c->config)
		rc = -ENOMEM;
	if (!rc && !access(c->config, F_OK))
		rc = keel_fail(&k->err, EEXIST, "there is a guest '%s' already: %s", c->name, c->config);
	for (unsigned int i = 0; i < c->from->disks && !rc; i++)
		rc = check_disk(k, c, &c->from->disk[i]);
	return rc ? rc : make_own(k, c);
}

static int done(struct keel *k, const struct clone *c)
{
	struct json_object *j, *disks;

	end_progress(k);
	if (!k->json) {
		printf("%s: %scloned as %s: %s\n", c->from->name, would_be(k), c->name, c->config);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	disks = json_object_new_array();
	for (unsigned int i = 0; i < c->to.disks; i++)
		json_object_array_add(disks, json_object_new_string(c->to.disk[i].path));
	json_object_object_add(j, "name", json_object_new_string(c->name));
	json_object_object_add(j, "config", json_object_new_string(c->config));
	json_object_object_add(j, "disks", disks);
	return print_result(k, j, "cloned");
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "full", no_argument, NULL, 'F' }, { 0 } };
	struct clone c = { 0 };
	const struct options o = {
		.cmd = &cmd_clone, .longs = longs, .handle = handle_flag, .arg = &c.full, .min_args = 2,
		.max_args = 2,
	};
	struct guest_config from;
	sigset_t old;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (read_config(k, &from, 1, argv + optind))
		return bad_config(k);
	c.from = &from;
	c.name = argv[optind + 1];
	keel_hold_signals(&old);
	rc = prepare(k, &c);
	if (!rc && !k->dry_run)
		rc = make_all(k, &c);
	rc = rc ? report(k) : done(k, &c);
	keel_release_signals(&old);
	free_own(&c);
	guest_free(&from);
	return rc;
}

const struct command cmd_clone = {
	.name = "clone",
	.args = "[--full] GUEST|FILE.cfg NEWNAME",
	.summary = "Makes another guest like one that does not run",
	.help =
	"GUEST is one of /etc/keel/GUEST.cfg. /etc/keel/NEWNAME.cfg has another UUID and other addresses. Its\n"
	"disks are overlays of a state that both have (see `keel help snapshot`), or of an image that nobody\n"
	"may write. What is in them stays as it is: host names and keys of SSH, for example.\n\n"
	"  --full             copy the disks whole\n",
	.run = run,
	.opens = true,
	.changes = true,
};
