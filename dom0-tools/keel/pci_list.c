/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/hyper.h"

#include <public/memory.h>

#define DEVICES "/sys/bus/pci/devices"
#define MAX_REGIONS 32		/* more than the hypervisor keeps */

/* A hexadecimal number of the function's folder in sysfs; 0 if it cannot be read. */
static unsigned int number(const char *function, const char *file)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%.16s/%s", function, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, 16);
}

/* The driver's name, or nothing. */
static const char *driver(const char *function, char *room, size_t size)
{
	char path[128], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "/%.16s/driver", function);
	n = readlink(path, room, size - 1);
	room[n < 0 ? 0 : n] = 0;
	slash = strrchr(room, '/');
	return slash ? slash + 1 : room;
}

/* The memory that firmware reserves for the function: an array of { "start", "end" }. */
static struct json_object *regions(struct keel *k, unsigned int seg, unsigned int bus, unsigned int devfn)
{
	struct xen_reserved_device_memory_map map = {
		.nr_entries = MAX_REGIONS, .dev.pci = { seg, bus, devfn },
	};
	struct xen_reserved_device_memory *r = hyper_buffer(k, MAX_REGIONS * sizeof(*r));
	struct json_object *list = json_object_new_array();
	long rc = -ENOMEM;

	if (r) {
		SET_HANDLE(map.buffer, r);
		rc = hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_reserved_device_memory_map, &map, sizeof(map));
	}
	for (unsigned int i = 0; !rc && i < map.nr_entries; i++) {
		struct json_object *j = json_object_new_object();
		char text[24];

		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)r[i].start_pfn << KEEL_PAGE_SHIFT);
		json_object_object_add(j, "start", json_object_new_string(text));
		snprintf(text, sizeof(text), "0x%llx",
			 ((unsigned long long)(r[i].start_pfn + r[i].nr_pages) << KEEL_PAGE_SHIFT) - 1);
		json_object_object_add(j, "end", json_object_new_string(text));
		json_object_array_add(list, j);
	}
	hyper_buffer_free(k, r);
	if (rc) {
		keel_fail(&k->err, -rc, "cannot ask for reserved memory: %s", strerror(-rc));
		json_object_put(list);
		return NULL;
	}
	return list;
}

static struct json_object *describe(struct keel *k, const char *name)
{
	struct json_object *j, *reserved;
	unsigned int seg, bus, dev, fn;
	char text[256];

	if (sscanf(name, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4) {
		keel_fail(&k->err, EINVAL, DEVICES "/%s is no PCI function", name);
		return NULL;
	}
	reserved = regions(k, seg, bus, dev << 3 | fn);
	if (!reserved)
		return NULL;
	j = json_object_new_object();
	json_object_object_add(j, "address", json_object_new_string(name));
	snprintf(text, sizeof(text), "%04x", number(name, "class") >> 8);
	json_object_object_add(j, "class", json_object_new_string(text));
	snprintf(text, sizeof(text), "%04x", number(name, "vendor"));
	json_object_object_add(j, "vendor", json_object_new_string(text));
	snprintf(text, sizeof(text), "%04x", number(name, "device"));
	json_object_object_add(j, "device", json_object_new_string(text));
	json_object_object_add(j, "driver", json_object_new_string(driver(name, text, sizeof(text))));
	json_object_object_add(j, "reserved", reserved);
	return j;
}

static const char *field(struct json_object *j, const char *key)
{
	return json_object_get_string(json_object_object_get(j, key));
}

static void print_one(struct json_object *j)
{
	struct json_object *reserved = json_object_object_get(j, "reserved");
	const char *name = field(j, "driver");

	printf("%-12s %-5s %s:%s %-16s", field(j, "address"), field(j, "class"), field(j, "vendor"),
	       field(j, "device"), *name ? name : "-");
	for (size_t i = 0; i < json_object_array_length(reserved); i++) {
		struct json_object *r = json_object_array_get_idx(reserved, i);

		printf(" %s-%s", field(r, "start"), field(r, "end"));
	}
	printf("%s\n", json_object_array_length(reserved) ? "" : " -");
}

static int run(struct keel *k, int argc, char **argv)
{
	const struct options o = { .cmd = &cmd_pci_list };
	struct json_object *list, *one;
	struct dirent **names = NULL;
	int rc = parse_options(k, argc, argv, &o);
	int n, failed = 0;

	if (rc >= 0)
		return rc;
	n = scandir(DEVICES, &names, NULL, alphasort);
	if (n < 0 && errno != ENOENT) {
		keel_fail(&k->err, errno, "cannot read " DEVICES ": %s", strerror(errno));
		return report(k);
	}
	list = json_object_new_array();
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && !failed) {
			one = describe(k, names[i]->d_name);
			failed = !one || json_object_array_add(list, one);
		}
		free(names[i]);
	}
	free(names);
	if (failed) {
		json_object_put(list);
		return report(k);
	}
	if (k->json)
		return print_json(list);
	printf("%-12s %-5s %-9s %-16s %s\n", "Address", "Class", "Device", "Driver", "Reserved memory");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		print_one(json_object_array_get_idx(list, i));
	json_object_put(list);
	return KEEL_EXIT_OK;
}

const struct command cmd_pci_list = {
	.name = "pci-list",
	.args = "",
	.summary = "Lists the PCI functions, and the memory reserved for each",
	.help = "Reserved memory is what firmware (RMRR, IVMD) has the function use.\n\n",
	.run = run,
	.no_xenstore = true,
};
