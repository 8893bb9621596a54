/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/pci.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/guest.h"
#include "lib/hyper.h"

#define DEVICES "/sys/bus/pci/devices"
#define NO_DRIVER "keel-assigned"	/* matches none, so that none takes the function */

unsigned int pci_address_bits(void)
{
	unsigned int a = 36, b, c, d;

	__get_cpuid(0x80000008, &a, &b, &c, &d);
	return a & 0xff;
}

static void path_of(uint32_t sbdf, const char *file, char *path, size_t size)
{
	char name[16];

	guest_pci_text(sbdf, name);
	snprintf(path, size, DEVICES "/%s/%s", name, file);
}

int pci_write_file(uint32_t sbdf, const char *file, const char *text)
{
	char path[128];
	int fd, rc = 0;

	path_of(sbdf, file, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The driver's name; "" for none. */
static const char *driver_of(uint32_t sbdf, char *room, size_t size)
{
	char path[128], *slash;
	ssize_t n;

	path_of(sbdf, "driver", path, sizeof(path));
	n = readlink(path, room, size - 1);
	room[n < 0 ? 0 : n] = 0;
	slash = strrchr(room, '/');
	return slash ? slash + 1 : room;
}

static int find(struct keel *k, uint32_t sbdf)
{
	char path[128], name[16];

	path_of(sbdf, "vendor", path, sizeof(path));
	if (!access(path, F_OK))
		return 0;
	guest_pci_text(sbdf, name);
	return keel_fail(&k->err, ENODEV, "there is no PCI function %s; `keel pci-list` shows what there is", name);
}

int pci_check(struct keel *k, uint32_t sbdf)
{
	char name[16], room[256];
	const char *driver;
	int rc = find(k, sbdf);

	if (rc)
		return rc;
	guest_pci_text(sbdf, name);
	driver = driver_of(sbdf, room, sizeof(room));
	if (*driver && strcmp(driver, "pciback") && strcmp(driver, "pci-stub"))
		return keel_fail(&k->err, EBUSY, "PCI function %s belongs to Dom0's driver %s; `keel "
				 "pci-assignable-add %s` takes it from there", name, driver, name);
	rc = hyper_test_assign(k, sbdf);
	if (!rc)
		return 0;
	return keel_fail(&k->err, -rc, "PCI function %s cannot be assigned: %s; `keel dmesg` says why", name,
			 strerror(-rc));
}

static int reset(struct keel *k, uint32_t sbdf)
{
	char name[16];
	int rc = pci_write_file(sbdf, "reset", "1");

	if (!rc)
		return 0;
	guest_pci_text(sbdf, name);
	return keel_fail(&k->err, -rc, "PCI function %s cannot be reset (%s), so what one guest left in it "
			 "would be another's", name, strerror(-rc));
}

/* What the function's file holds; "" if there is none. */
static void read_file(uint32_t sbdf, const char *file, char *room, size_t size)
{
	char path[128];
	ssize_t n = 0;
	int fd;

	path_of(sbdf, file, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, room, size - 1);
		close(fd);
	}
	room[n > 0 ? n : 0] = 0;
}

/* What driver_override holds, to be written back; "\n" for nothing. */
static void override_of(uint32_t sbdf, char *room, size_t size)
{
	read_file(sbdf, "driver_override", room, size);
	if (!*room || !strncmp(room, "(null)", 6))
		snprintf(room, size, "\n");
}

static void probe(struct keel *k, uint32_t sbdf)
{
	int fd = open("/sys/bus/pci/drivers_probe", O_WRONLY | O_CLOEXEC);
	char name[16];

	guest_pci_text(sbdf, name);
	if (fd < 0 || write(fd, name, strlen(name)) < 0)
		keel_warn(k, "no driver of Dom0 takes PCI function %s", name);
	if (fd >= 0)
		close(fd);
}

static int quarantine(struct keel *k, uint32_t sbdf)
{
	char name[16];
	int rc = hyper_assign(k, DOMID_IO, sbdf);

	if (!rc)
		return 0;
	guest_pci_text(sbdf, name);
	return keel_fail(&k->err, -rc, "PCI function %s cannot be assigned: %s; `keel dmesg` says why", name,
			 strerror(-rc));
}

int pci_make_assignable(struct keel *k, uint32_t sbdf)
{
	char name[16], room[256], override[128];
	int rc = find(k, sbdf);
	bool driven;

	if (rc)
		return rc;
	guest_pci_text(sbdf, name);
	read_file(sbdf, "sriov_numvfs", room, sizeof(room));
	if (atoi(room))
		return keel_fail(&k->err, EBUSY, "PCI function %s has virtual functions, which its reset would take "
				 "from whoever uses them: `keel vf-create %s 0` removes them", name, name);
	driven = *driver_of(sbdf, room, sizeof(room));
	/* Without a driver it may be a guest's: then it is left alone, and the hypervisor's log says so. */
	if (!driven && hyper_test_assign(k, sbdf) == -EBUSY)
		return quarantine(k, sbdf);
	override_of(sbdf, override, sizeof(override));
	rc = pci_write_file(sbdf, "driver_override", NO_DRIVER);
	if (!rc && driven)
		rc = pci_write_file(sbdf, "driver/unbind", name);
	if (rc) {
		pci_write_file(sbdf, "driver_override", override);
		return keel_fail(&k->err, -rc, "PCI function %s cannot be taken from its driver: %s", name,
				 strerror(-rc));
	}
	rc = reset(k, sbdf);
	if (!rc)
		rc = quarantine(k, sbdf);
	if (rc) {
		pci_write_file(sbdf, "driver_override", override);
		if (driven)
			probe(k, sbdf);
	}
	return rc;
}

int pci_give_back(struct keel *k, uint32_t sbdf)
{
	char name[16], room[256];
	int rc = find(k, sbdf);

	if (rc)
		return rc;
	guest_pci_text(sbdf, name);
	/* Only what is in quarantine is reset. */
	if (*driver_of(sbdf, room, sizeof(room)) || hyper_test_assign(k, sbdf))
		return keel_fail(&k->err, EBUSY, "PCI function %s is not assignable, or a guest has it", name);
	rc = reset(k, sbdf);
	if (rc)
		return rc;
	rc = hyper_deassign(k, DOMID_IO, sbdf);
	if (rc)
		return keel_fail(&k->err, -rc, "PCI function %s is not assignable: %s", name, strerror(-rc));
	pci_write_file(sbdf, "driver_override", "\n");
	probe(k, sbdf);
	return 0;
}

int pci_attach(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	char name[16];
	int rc = pci_check(k, sbdf);

	if (!rc)
		rc = reset(k, sbdf);
	if (rc)
		return rc;
	rc = hyper_assign(k, domid, sbdf);
	if (!rc)
		return 0;
	guest_pci_text(sbdf, name);
	if (rc == -ENODEV)
		return keel_fail(&k->err, ENODEV, "domain %u cannot have PCI functions: its configuration needs "
				 "passthrough = \"enabled\"", domid);
	return keel_fail(&k->err, -rc, "PCI function %s cannot be assigned to domain %u: %s; `keel dmesg` says "
			 "why", name, domid, strerror(-rc));
}

int pci_detach(struct keel *k, unsigned int domid, uint32_t sbdf)
{
	char name[16];
	int rc = hyper_deassign(k, domid, sbdf);

	if (!rc)
		return reset(k, sbdf);
	guest_pci_text(sbdf, name);
	return keel_fail(&k->err, -rc, "domain %u has no PCI function %s", domid, name);
}
