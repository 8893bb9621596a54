/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual functions of a physical function, through Linux's sysfs. NVMe controllers share out
 * queues and interrupts among the secondary controllers first (NVM Express 1.4, 5.22, 8.5).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/guest.h"
#include "lib/nvme.h"
#include "lib/pci.h"
#include "lib/pci_info.h"
#include "lib/sysfs.h"

#define NVME_IDENTIFY		0x06
#define NVME_CNS_PRIMARY	0x14	/* the primary controller's capabilities */
#define NVME_CNS_SECONDARY	0x15	/* the list of secondary controllers */
#define NVME_VIRT_MGMT		0x1c
#define NVME_PRIMARY_FLEXIBLE	1	/* actions */
#define NVME_SECONDARY_OFFLINE	7
#define NVME_SECONDARY_ASSIGN	8
#define NVME_SECONDARY_ONLINE	9
#define NVME_QUEUES		0	/* kinds of resources */
#define NVME_INTERRUPTS		1
#define NVME_TIMEOUT_MS		10000

/* Identify's answers, as far as they matter here. */
struct nvme_primary {
	uint8_t head[32];
	struct nvme_resource {
		uint32_t flexible, assigned;
		uint16_t primary, private, most, granularity; /* most: of one secondary controller */
		uint8_t reserved[16];
	} __attribute__((packed)) kind[2];	/* by NVME_QUEUES, NVME_INTERRUPTS */
	uint8_t rest[4096 - 32 - 2 * 32];
} __attribute__((packed));

struct nvme_secondary_list {
	uint8_t number, reserved[31];
	struct {
		uint16_t id, primary;
		uint8_t state, reserved[3];
		uint16_t vf, queues, interrupts;
		uint8_t reserved2[18];
	} entry[127];
} __attribute__((packed));

_Static_assert(sizeof(struct nvme_primary) == 4096, "Identify's data has 4096 bytes");
_Static_assert(sizeof(struct nvme_secondary_list) == 4096, "Identify's data has 4096 bytes");

struct nvme {
	struct keel *k;
	char name[32];		/* nvme0 */
	int fd;
};

static int admin(struct nvme *n, const char *what, struct nvme_admin_cmd *cmd)
{
	int rc;

	cmd->timeout_ms = NVME_TIMEOUT_MS;
	rc = nvme_admin(n->fd, cmd);
	if (rc < 0)
		return keel_fail_errno(&n->k->err, "%s: cannot %s", n->name, what);
	if (rc)
		return keel_fail(&n->k->err, EIO, "%s: cannot %s: NVMe status %#x", n->name, what, rc);
	return 0;
}

static int identify(struct nvme *n, unsigned int cns, void *data)
{
	struct nvme_admin_cmd cmd = {
		.opcode = NVME_IDENTIFY, .addr = (uintptr_t)data, .data_len = 4096, .cdw10 = cns,
	};

	return admin(n, "identify its secondary controllers", &cmd);
}

static int virt_mgmt(struct nvme *n, unsigned int controller, unsigned int kind,
		     unsigned int action, unsigned int count, const char *what)
{
	struct nvme_admin_cmd cmd = {
		.opcode = NVME_VIRT_MGMT, .cdw10 = action | kind << 8 | controller << 16, .cdw11 = count,
	};

	return admin(n, what, &cmd);
}

/* The NVMe controller that the function is; "" if it is none. */
static void controller_of(uint32_t sbdf, char *out, size_t size)
{
	char name[16], **names;
	int n;

	*out = 0;
	guest_pci_text(sbdf, name);
	n = sysfs_list(&names, SYSFS_PCI "/%s/nvme", name);
	for (int i = 0; i < n; i++) {
		if (names[i] && !*out && !strncmp(names[i], "nvme", 4))
			snprintf(out, size, "%s", names[i]);
		free(names[i]);
	}
	free(names);
}

/* The primary gives up all that is flexible, which counts from its next reset on. */
static int free_primary(struct nvme *n)
{
	int rc = virt_mgmt(n, 0, NVME_QUEUES, NVME_PRIMARY_FLEXIBLE, 0, "free its flexible queues");

	if (!rc)
		rc = virt_mgmt(n, 0, NVME_INTERRUPTS, NVME_PRIMARY_FLEXIBLE, 0, "free its flexible interrupts");
	if (rc)
		return rc;
	rc = sysfs_write("1", "/sys/class/nvme/%s/reset_controller", n->name);
	if (rc)
		return keel_fail(&n->k->err, -rc, "%s: cannot reset it: %s", n->name, strerror(-rc));
	return 0;
}

/* What each gets of so many: how much there is does not depend on who has it now. */
static int find_shares(struct nvme *n, unsigned int vfs, unsigned int share[2])
{
	static struct nvme_primary p;
	int rc = identify(n, NVME_CNS_PRIMARY, &p);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < 2; i++) {
		share[i] = p.kind[i].flexible / vfs;
		if (share[i] > p.kind[i].most)
			share[i] = p.kind[i].most;
	}
	if (share[NVME_QUEUES] < 2 || share[NVME_INTERRUPTS] < 1)
		return keel_fail(&n->k->err, ENOSPC,
				 "%s: %u flexible queues and %u interrupts are not enough for %u "
				 "virtual functions: each takes two queues and an interrupt", n->name,
				 p.kind[NVME_QUEUES].flexible, p.kind[NVME_INTERRUPTS].flexible, vfs);
	return 0;
}

static int share_out(struct nvme *n, const struct nvme_secondary_list *list, unsigned int vfs,
		     const unsigned int share[2])
{
	int rc = 0;

	for (unsigned int i = 0; i < vfs && !rc; i++) {
		rc = virt_mgmt(n, list->entry[i].id, 0, NVME_SECONDARY_OFFLINE, 0, "take a controller offline");
		if (!rc)
			rc = virt_mgmt(n, list->entry[i].id, NVME_QUEUES, NVME_SECONDARY_ASSIGN, share[NVME_QUEUES],
				       "give a controller its queues");
		if (!rc)
			rc = virt_mgmt(n, list->entry[i].id, NVME_INTERRUPTS, NVME_SECONDARY_ASSIGN,
				       share[NVME_INTERRUPTS],
				       "give a controller its interrupts");
	}
	return rc;
}

/* The hypervisor ignores what would take a guest's virtual function away. */
static int none_is_a_guests(struct keel *k, uint32_t pf)
{
	char name[16], vf_name[16], guest[GUEST_NAME_MAX + 1];
	unsigned int owner = 0;
	struct pci_owners o;
	uint32_t vf;
	int rc = pci_owners_get(k, &o);

	if (rc)
		return rc;
	for (unsigned int i = 0; (!owner || owner == DOMID_IO) && !pci_virtfn(pf, i, &vf); i++)
		owner = pci_owner(k, &o, vf);
	if (owner && owner != DOMID_IO) {
		guest_pci_text(pf, name);
		guest_pci_text(vf, vf_name);
		rc = keel_fail(&k->err, EBUSY,
			       "%s has %s, a virtual function of %s: detach it first (`keel pci-detach`)",
				       pci_owner_name(&o, owner, guest, sizeof(guest)), vf_name, name);
	}
	pci_owners_free(&o);
	return rc;
}

static int set_numvfs(struct keel *k, uint32_t pf, unsigned int vfs)
{
	char number[16], name[16], autoprobe[8];
	int rc;

	guest_pci_text(pf, name);
	rc = sysfs_read(autoprobe, sizeof(autoprobe), SYSFS_PCI "/%s/sriov_drivers_autoprobe", name);
	if (!rc)
		rc = sysfs_write("0", SYSFS_PCI "/%s/sriov_drivers_autoprobe", name);
	if (rc)
		return keel_fail(&k->err, -rc, "PCI function %s has no virtual functions: %s", name,
				 strerror(-rc));
	snprintf(number, sizeof(number), "%u", vfs);
	rc = sysfs_write("0", SYSFS_PCI "/%s/sriov_numvfs", name);
	if (!rc && vfs)
		rc = sysfs_write(number, SYSFS_PCI "/%s/sriov_numvfs", name);
	/* As it was: while it is off, none of them can be bound to a driver, not even by its name. */
	sysfs_write(autoprobe, SYSFS_PCI "/%s/sriov_drivers_autoprobe", name);
	if (rc)
		return keel_fail(&k->err, -rc, "PCI function %s does not make %u virtual functions: %s", name,
				 vfs, strerror(-rc));
	return 0;
}

static int nvme_create(struct nvme *n, uint32_t pf, unsigned int vfs)
{
	static struct nvme_secondary_list list;
	unsigned int share[2], number, most = sizeof(list.entry) / sizeof(list.entry[0]);
	int rc = identify(n, NVME_CNS_SECONDARY, &list), online = 0;
	struct keel_error why;

	number = list.number < most ? list.number : most;
	if (!rc && number < vfs)
		rc = keel_fail(&n->k->err, EINVAL, "%s has %u secondary controllers, fewer than %u", n->name,
			       number, vfs);
	if (!rc)
		rc = find_shares(n, vfs, share);
	/* From here on those that were there are gone. */
	if (!rc)
		rc = set_numvfs(n->k, pf, 0);
	if (!rc)
		rc = free_primary(n);
	if (!rc)
		rc = share_out(n, &list, vfs, share);
	if (!rc)
		rc = set_numvfs(n->k, pf, vfs);
	for (unsigned int i = 0; i < vfs && !rc && !online; i++)
		online = virt_mgmt(n, list.entry[i].id, 0, NVME_SECONDARY_ONLINE, 0, "bring a controller online");
	if (!online)
		return rc;
	/* Rather none than some that do not work. */
	why = n->k->err;
	set_numvfs(n->k, pf, 0);
	n->k->err = why;
	return online;
}

/* Before anything is changed: can it have so many? */
static int check_number(struct keel *k, uint32_t pf, unsigned int vfs)
{
	char name[16], text[16];
	unsigned long most;

	guest_pci_text(pf, name);
	if (sysfs_read(text, sizeof(text), SYSFS_PCI "/%s/vendor", name))
		return keel_fail(&k->err, ENODEV,
				 "there is no PCI function %s; `keel pci-list` shows what there is", name);
	if (sysfs_read(text, sizeof(text), SYSFS_PCI "/%s/sriov_totalvfs", name))
		return keel_fail(&k->err, ENODEV,
				 "PCI function %s cannot have virtual functions: it has no SR-IOV, or the "
				 "firmware's settings have it off", name);
	most = strtoul(text, NULL, 10);
	if (vfs > most)
		return keel_fail(&k->err, ERANGE, "PCI function %s can have %lu virtual functions at most", name,
				 most);
	return 0;
}

static int create_vfs(struct keel *k, uint32_t pf, unsigned int vfs)
{
	struct nvme n = { .k = k, .fd = -1 };
	int rc = check_number(k, pf, vfs);

	if (!rc)
		rc = none_is_a_guests(k, pf);
	if (rc || k->dry_run)
		return rc;
	controller_of(pf, n.name, sizeof(n.name));
	if (!*n.name || !vfs)
		return set_numvfs(k, pf, vfs);
	n.fd = nvme_open(n.name);
	if (n.fd < 0)
		return keel_fail_errno(&k->err, "cannot open /dev/%s", n.name);
	rc = nvme_create(&n, pf, vfs);
	close(n.fd);
	return rc;
}

int pci_create_vfs(struct keel *k, uint32_t pf, unsigned int vfs)
{
	int lock = keel_lock(k);
	int rc;

	if (lock < 0)
		return lock;
	rc = create_vfs(k, pf, vfs);
	close(lock);
	return rc;
}
