/* SPDX-License-Identifier: GPL-2.0-only */
/* block-attach, block-detach, block-resize and block-list. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/device.h"
#include "lib/hotplug.h"
#include "lib/store.h"

static int done(struct keel *k, const struct keel_domain *d, const char *vdev, const char *result)
{
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %s %s%s\n", d->name, d->id, vdev, would_be(k), result);
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	json_object_object_add(j, "vdev", json_object_new_string(vdev));
	return print_result(k, j, result);
}

static int run_attach(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_block_attach, .min_args = 2, .max_args = -1 };
	struct guest_disk disk;
	struct keel_domain d;
	char *spec;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	spec = join_words(argc - optind - 1, argv + optind + 1);
	rc = guest_parse_disk(&disk, spec ? spec : "", warn_of, k, &k->err);
	free(spec);
	if (rc)
		return usage_error(k, &cmd_block_attach, "%s", strdupa(k->err.text));
	rc = open_hypervisor(k, &cmd_block_attach);
	if (rc < 0 && (keel_domain_find_guest(k, argv[optind], &d) || hotplug_disk(k, &d, &disk)))
		rc = report(k);
	if (rc < 0)
		rc = done(k, &d, disk.vdev, "attached");
	free(disk.path);
	return rc;
}

const struct command cmd_block_attach = {
	.name = "block-attach",
	.args = "NAME|ID DISK...",
	.summary = "Gives a running guest a disk",
	.help =
	"DISK is an entry of disk as in the guest's file, keel.cfg(5): IMAGE,qcow2,xvdb,w or words such as\n"
	"vdev=xvdb access=r target=IMAGE. The guest has it also when keeld starts it again; its file is left\n"
	"alone.\n\n",
	.run = run_attach,
	.opens = true,
	.changes = true,
};

/* xvdb, or the number that stands for it. 0: neither. */
static unsigned int disk_number(const char *text)
{
	unsigned int n;

	return number_option(text, 1 << 29, &n) ? n : guest_vdev_number(text);
}

static int bad_vdev(struct keel *k, const struct command *c, const char *vdev)
{
	return usage_error(k, c, "'%s' is no virtual device (xvda, xvdb1, sda, ...)", vdev);
}

static int no_disk(struct keel *k, const struct keel_domain *d, const char *vdev, int rc)
{
	if (rc == -ENODEV)
		keel_fail(&k->err, ENODEV, "%s has no disk %s (`keel block-list %s` shows all)", d->name, vdev,
			  d->name);
	return report(k);
}

static int run_detach(struct keel *k, int argc, char **argv)
{
	bool force = false;
	const struct options o = {
		.cmd = &cmd_block_detach, .longs = force_option, .handle = handle_flag, .arg = &force,
		.shorts = "f", .min_args = 2, .max_args = 2,
	};
	unsigned int number;
	struct keel_domain d;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	number = disk_number(argv[optind + 1]);
	if (!number)
		return bad_vdev(k, &cmd_block_detach, argv[optind + 1]);
	rc = open_hypervisor(k, &cmd_block_detach);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = hotplug_remove(k, &d, "vbd", number, force);
	return rc ? no_disk(k, &d, argv[optind + 1], rc) : done(k, &d, argv[optind + 1], "detached");
}

const struct command cmd_block_detach = {
	.name = "block-detach",
	.args = "[-f] NAME|ID VDEV",
	.summary = "Takes a disk from a running guest",
	.help =
	"VDEV is the disk's name in the guest's configuration, such as xvdb, or its number. The guest is asked\n"
	"to close it, which has it write first what it has not written yet; unmount it there before.\n\n"
	"  -f, --force        do not ask: what the guest has not written is lost\n",
	.run = run_detach,
	.opens = true,
	.changes = true,
};

static int resized(struct keel *k, const struct keel_domain *d, const char *vdev, uint64_t size)
{
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %s %sresized: %llu bytes\n", d->name, d->id, vdev, would_be(k),
		       (unsigned long long)size);
		return KEEL_EXIT_OK;
	}
	j = json_of_domain(d);
	json_object_object_add(j, "vdev", json_object_new_string(vdev));
	json_object_object_add(j, "bytes", json_object_new_int64(size));
	return print_result(k, j, "resized");
}

static int run_resize(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_block_resize, .min_args = 2, .max_args = 3 };
	unsigned int number;
	struct keel_domain d;
	uint64_t size = 0;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	number = disk_number(argv[optind + 1]);
	if (!number)
		return bad_vdev(k, &cmd_block_resize, argv[optind + 1]);
	if (argv[optind + 2] && !size_option(argv[optind + 2], &size))
		return usage_error(k, &cmd_block_resize, "'%s' is no size", argv[optind + 2]);
	size <<= 10;
	rc = open_hypervisor(k, &cmd_block_resize);
	if (rc >= 0)
		return rc;
	if (keel_domain_find_guest(k, argv[optind], &d))
		return report(k);
	rc = hotplug_resize(k, &d, number, &size);
	return rc ? no_disk(k, &d, argv[optind + 1], rc) : resized(k, &d, argv[optind + 1], size);
}

const struct command cmd_block_resize = {
	.name = "block-resize",
	.args = "NAME|ID VDEV [SIZE]",
	.summary = "Enlarges a disk of a running guest",
	.help =
	"SIZE is in MiB, or has a letter (k, m, g, t): the raw file gets it. Without SIZE, the file or block\n"
	"device was enlarged already. The guest learns the new size; its partitions and file systems are its\n"
	"own business. Images in other formats grow only while the guest does not run (qemu-img resize).\n\n",
	.run = run_resize,
	.opens = true,
	.changes = true,
};

static char *read_entry(struct keel *k, unsigned int domid, const char *index, const char *key)
{
	char *text = store_read(k, "/local/domain/0/backend/vbd/%u/%s/%s", domid, index, key);

	return text ? text : strdup("");
}

static void list_disk(struct keel *k, const struct keel_domain *d, const char *index,
		      struct json_object *list)
{
	char *vdev = read_entry(k, d->id, index, "dev"), *mode = read_entry(k, d->id, index, "mode");
	char *target = read_entry(k, d->id, index, "params");
	char *device = read_entry(k, d->id, index, "physical-device");
	char *format = read_entry(k, d->id, index, "format");
	const char *state = device_state(k, "vbd", d->id, index);
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "vdev", json_object_new_string(vdev));
	json_object_object_add(j, "number", json_object_new_int64(strtoul(index, NULL, 10)));
	json_object_object_add(j, "state", json_object_new_string(state));
	json_object_object_add(j, "readonly", json_object_new_boolean(*mode == 'r'));
	json_object_object_add(j, "target", json_object_new_string(target));
	json_object_object_add(j, "format", json_object_new_string(*format ? format : "raw"));
	json_object_object_add(j, "device", json_object_new_string(device));
	json_object_array_add(list, j);
	if (!k->json)
		printf("%-32s %5u %-6s %6s %-12s %-4s %s%s%s\n", d->name, d->id, vdev, index, state, mode, format,
		       *format ? ":" : "", target);
	free(vdev);
	free(mode);
	free(target);
	free(device);
	free(format);
}

static int run_list(struct keel *k, int argc, char **argv)
{
	return list_devices(k, argc, argv, &(struct device_list){
		.cmd = &cmd_block_list, .type = "vbd", .key = "disks", .each = list_disk,
		.head = "Name                                ID Vdev   Number State        Mode Target",
	});
}

const struct command cmd_block_list = {
	.name = "block-list",
	.args = "[NAME|ID...]",
	.summary = "Lists guests' disks: state, access, image or device",
	.help = "The state is that of Dom0's end: connected when the guest uses it, waiting before.\n\n",
	.run = run_list,
};
