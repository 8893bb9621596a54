/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI functions for guests, with a simulated machine: its sysfs, the hypervisor's answers,
 * xenstore, and the network driver of a card with virtual functions. `history` gets a line for each
 * change.
 */
#include "test/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>

#include "lib/netlink.h"
#include "lib/nvme.h"
#include "lib/pci.h"
#include "lib/pci_info.h"
#include "lib/store.h"
#include "lib/sysfs.h"
#include "test/run.h"

#define PF	0x0100
#define VF0	0x0101
#define VF1	0x0102
#define NIC	0x0208	/* 02:01.0 and .1: one device */
#define NIC1	0x0209
#define LPC	0x00f8
#define DISK	0x0300	/* NVMe, with secondary controllers */
#define WEB	3

static struct function {
	uint32_t sbdf;
	const char *driver, *reset, *resource;
	uint32_t pf;
	unsigned int owner;
	int why;		/* the hypervisor's answer, apart from owners */
	int no_unbind, no_assign, no_deassign;
	bool reserved;
	const char *config;	/* the first capability, if it has any, at 0x40 */
} machine[8];

static char history[4096], stored[256], stored_at[64];
static bool store_fails;
static int none_for_web;	/* the error if the guest can have no function at all */
static int vfs_made, no_vfs;
static const char *most_vfs = "7";
static struct keel k;

static void did(const char *fmt, ...)
{
	va_list ap;
	size_t n = strlen(history);

	va_start(ap, fmt);
	vsnprintf(history + n, sizeof(history) - n, fmt, ap);
	va_end(ap);
}

static struct function *function(uint32_t sbdf)
{
	for (unsigned int i = 0; i < 8; i++)
		if (machine[i].sbdf == sbdf)
			return &machine[i];
	return NULL;
}

/* The function and the file of a path in sysfs. */
static struct function *named(const char *path, const char **file)
{
	struct guest_pci p;
	struct keel_error e;
	char address[13];

	if (strncmp(path, SYSFS_PCI "/", strlen(SYSFS_PCI) + 1))
		return NULL;
	path += strlen(SYSFS_PCI) + 1;
	snprintf(address, sizeof(address), "%s", path);
	*file = path + 13;
	return guest_parse_pci(&p, address, NULL, NULL, &e) ? NULL : function(p.sbdf);
}

#define PATH(path, fmt) \
	do { va_list ap; va_start(ap, fmt); vsnprintf(path, sizeof(path), fmt, ap); va_end(ap); } while (0)

int sysfs_read(char *out, size_t size, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	const char *file = "", *text = NULL;
	struct function *f;

	PATH(path, fmt);
	*out = 0;
	f = named(path, &file);
	if (!f)
		return -ENOENT;
	if (!strcmp(file, "vendor"))
		text = "0x8086";
	else if (!strcmp(file, "device"))
		text = f->pf ? "0x10ca" : "0x10c9";
	else if (!strcmp(file, "class"))
		text = "0x020000";
	else if (!strcmp(file, "driver_override"))
		text = "(null)";
	else if (!strcmp(file, "reset_method"))
		text = f->reset;
	else if (!strcmp(file, "resource"))
		text = f->resource;
	else if (!strcmp(file, "sriov_totalvfs") && (f->sbdf == PF || f->sbdf == DISK))
		text = most_vfs;
	else if (!strcmp(file, "sriov_numvfs") && f->sbdf == PF)
		text = "2";
	else if (!strcmp(file, "sriov_drivers_autoprobe") && (f->sbdf == PF || f->sbdf == DISK))
		text = "1";
	else if (!strcmp(file, "net/eth1/ifindex") && f->sbdf == PF)
		text = "9";
	if (!strcmp(file, "config") && f->config) {
		assert_true(size > 0x50);
		memcpy(out + 0x40, f->config, 16);
		out[0x34] = 0x40;
		out[6] = 0x10;
		return 0;
	}
	if (!text)
		return -ENOENT;
	snprintf(out, size, "%s", text);
	return 0;
}

int sysfs_write(const char *text, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	const char *file = "";
	struct function *f;

	PATH(path, fmt);
	f = named(path, &file);
	if (f && f->owner && f->owner != DOMID_IO)
		fail_msg("%s of a guest's function is written", file);
	did("%s=%s\n", f ? path + strlen(SYSFS_PCI) + 1 : path, strcmp(text, "\n") ? text : "nothing");
	if (!strcmp(file, "driver/unbind")) {
		if (!f->no_unbind)
			f->driver = "";
		return f->no_unbind;
	}
	if (!strcmp(file, "sriov_numvfs")) {
		vfs_made = atoi(text);
		return f->sbdf == PF || f->sbdf == DISK ? no_vfs : -ENOENT;
	}
	return 0;
}

int sysfs_link(char *out, size_t size, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	const char *file = "";
	struct function *f;

	PATH(path, fmt);
	*out = 0;
	f = named(path, &file);
	if (f && !strcmp(file, "driver") && *f->driver)
		snprintf(out, size, "%s", f->driver);
	else if (f && !strcmp(file, "physfn") && f->pf)
		guest_pci_text(f->pf, out);
	else if (f && !strcmp(file, "virtfn0") && f->sbdf == PF)
		guest_pci_text(VF0, out);
	else if (f && !strcmp(file, "virtfn1") && f->sbdf == PF)
		guest_pci_text(VF1, out);
	return *out ? 0 : -ENOENT;
}

static int all_functions(char ***names)
{
	int n = 0;

	*names = calloc(8, sizeof(**names));
	for (; machine[n].sbdf; n++) {
		(*names)[n] = malloc(16);
		guest_pci_text(machine[n].sbdf, (*names)[n]);
	}
	return n;
}

int sysfs_list(char ***names, const char *fmt, ...)
{
	char path[SYSFS_PATH_MAX];
	const char *file = "";
	struct function *f;

	PATH(path, fmt);
	*names = NULL;
	if (!strcmp(path, SYSFS_PCI))
		return all_functions(names);
	f = named(path, &file);
	if (!f || !((!strcmp(file, "net") && !strcmp(f->driver, "igb")) ||
		    (!strcmp(file, "nvme") && f->sbdf == DISK)))
		return -ENOENT;
	*names = calloc(1, sizeof(**names));
	(*names)[0] = strdup(f->sbdf == DISK ? "nvme0" : "eth1");
	return 1;
}

int hyper_test_assign(struct keel *unused, unsigned int domid, uint32_t sbdf)
{
	struct function *f = function(sbdf);

	if (!f)
		return -ENODEV;
	if (f->owner == domid && domid != DOMID_IO)
		return -EEXIST;
	if (none_for_web && domid == WEB)
		return none_for_web;
	if (f->why == -EOPNOTSUPP)
		return f->why;
	return f->owner && f->owner != DOMID_IO ? -EBUSY : f->why;
}

int hyper_assign(struct keel *unused, unsigned int domid, uint32_t sbdf)
{
	struct function *f = function(sbdf);

	did("assign %x to %u\n", sbdf, domid);
	if (!f->no_assign)
		f->owner = domid;
	return f->no_assign;
}

int hyper_deassign(struct keel *unused, unsigned int domid, uint32_t sbdf)
{
	struct function *f = function(sbdf);

	did("deassign %x from %u\n", sbdf, domid);
	if (f->owner != domid)
		return -ENODEV;
	if (!f->no_deassign)
		f->owner = domid == DOMID_IO ? 0 : DOMID_IO;
	return f->no_deassign;
}

int hyper_device_group(struct keel *unused, uint32_t sbdf, uint32_t *list, unsigned int max)
{
	list[0] = sbdf;
	list[1] = sbdf ^ 1;
	return sbdf == NIC || sbdf == NIC1 ? 2 : 1;
}

int hyper_reserved(struct keel *unused, uint32_t sbdf, struct hyper_range *list, unsigned int max)
{
	list[0] = (struct hyper_range){ 0x1000, 0x1fff };
	return function(sbdf)->reserved;
}

int keel_domain_list(struct keel *unused, struct keel_domain **out)
{
	*out = calloc(2, sizeof(**out));
	strcpy((*out)[0].name, "Domain-0");
	(*out)[1].id = WEB;
	strcpy((*out)[1].name, "web");
	return 2;
}

char *store_read(struct keel *unused, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];

	PATH(path, fmt);
	return *stored_at && !strcmp(path, stored_at) ? strdup(stored) : NULL;
}

int store_write(struct keel *unused, const char *path, const char *fmt, ...)
{
	PATH(stored, fmt);
	if (store_fails)
		return keel_fail(&k.err, EIO, "no store");
	strcpy(stored_at, path);
	return 0;
}

void store_remove(struct keel *unused, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];

	PATH(path, fmt);
	assert_string_equal(path, stored_at);
	*stored_at = 0;
}

char **store_list(struct keel *unused, unsigned int *n, const char *fmt, ...)
{
	char path[STORE_PATH_MAX], **names = malloc(sizeof(*names) + 64);
	size_t len;

	PATH(path, fmt);
	len = strlen(path);
	assert_non_null(names);
	*n = !strncmp(stored_at, path, len) && stored_at[len] == '/';
	names[0] = (char *)(names + 1);
	snprintf(names[0], 64, "%s", *n ? stored_at + len + 1 : "");
	names[0][strcspn(names[0], "/")] = 0;
	return names;
}

static bool held;

int keel_lock(struct keel *unused)
{
	assert_false(held);
	return open("/dev/null", O_RDONLY);
}

void keel_hold_signals(sigset_t *old)
{
	held = true;
}

void keel_release_signals(const sigset_t *old)
{
	assert_true(held);
	held = false;
}

void keel_warn(struct keel *unused, const char *fmt, ...)
{
	char text[256];

	PATH(text, fmt);
	did("warning: %s\n", text);
}

/*
 * The network driver: the settings that it has of each virtual function, and those that it refuses,
 * or accepts and forgets.
 */
static struct vf_settings card[3];
static unsigned int refuses, forgets, unknown, min_rate = 10;

static const void *attribute(const struct rtattr *in, unsigned int type)
{
	const struct rtattr *a = RTA_DATA(in);
	unsigned int left = RTA_PAYLOAD(in);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return RTA_DATA(a);
	return NULL;
}

/* Which of its five attributes the message has; vf and its values go to *v. */
static unsigned int told(const struct rtattr *info, unsigned int *vf, struct vf_settings *v)
{
	const struct ifla_vf_mac *mac = attribute(info, IFLA_VF_MAC);
	const struct ifla_vf_vlan *vlan = attribute(info, IFLA_VF_VLAN);
	const struct rtattr *list = attribute(info, IFLA_VF_VLAN_LIST);
	const struct ifla_vf_vlan_info *first = list ? attribute(list - 1, IFLA_VF_VLAN_INFO) : NULL;
	const struct ifla_vf_rate *rate = attribute(info, IFLA_VF_RATE);
	const struct ifla_vf_trust *trust = attribute(info, IFLA_VF_TRUST);
	const struct ifla_vf_spoofchk *spoofchk = attribute(info, IFLA_VF_SPOOFCHK);

	if (mac) {
		*vf = mac->vf;
		memcpy(v->mac, mac->mac, 6);
	} else if (vlan) {
		*vf = vlan->vf;
		v->vlan = vlan->vlan;
		v->vlan_qos = vlan->qos;
	} else if (first) {
		*vf = first->vf;
		v->vlan = first->vlan;
		v->vlan_qos = first->qos;
		v->vlan_proto = ntohs(first->vlan_proto);
	} else if (rate) {
		*vf = rate->vf;
		v->rate = rate->max_tx_rate;
		assert_int_equal(rate->min_tx_rate, min_rate);
	} else if (trust) {
		*vf = trust->vf;
		v->trust = trust->setting;
	} else {
		assert_non_null(spoofchk);
		*vf = spoofchk->vf;
		v->spoofchk = spoofchk->setting;
	}
	return mac ? VF_MAC : vlan || first ? VF_VLAN : rate ? VF_RATE : trust ? VF_TRUST : VF_SPOOFCHK;
}

static int change(const struct rtattr *list)
{
	struct vf_settings v = { 0 };
	char text[VF_SETTINGS_TEXT];
	unsigned int vf = 99;

	assert_true(held);
	assert_int_equal(list->rta_type, IFLA_VFINFO_LIST);
	assert_int_equal(((struct rtattr *)RTA_DATA(list))->rta_type, IFLA_VF_INFO);
	v.set = told(RTA_DATA(list), &vf, &v);
	assert_true(vf < 3);
	vf_settings_text(&v, text);
	did("vf %u %s\n", vf, text);
	if (refuses & v.set)
		return -EINVAL;
	if (forgets & v.set)
		return 0;
	if (v.set == VF_MAC)
		memcpy(card[vf].mac, v.mac, 6);
	if (v.set == VF_VLAN) {
		card[vf].vlan = v.vlan;
		card[vf].vlan_qos = v.vlan_qos;
		card[vf].vlan_proto = v.vlan_proto;
	}
	if (v.set == VF_RATE)
		card[vf].rate = v.rate;
	if (v.set == VF_TRUST)
		card[vf].trust = v.trust;
	if (v.set == VF_SPOOFCHK)
		card[vf].spoofchk = v.spoofchk;
	return 0;
}

static struct rtattr *put(struct nlmsghdr *h, unsigned int type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)h + h->nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(a), data, size);
	h->nlmsg_len += RTA_ALIGN(a->rta_len);
	return a;
}

static ssize_t describe(struct nlmsghdr *h)
{
	struct rtattr *list, *info;

	memset(h, 0, 4096);
	h->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	put(h, IFLA_IFNAME, "eth1", 5);
	list = put(h, IFLA_VFINFO_LIST, NULL, 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct ifla_vf_mac mac = { .vf = i };
		struct ifla_vf_vlan vlan = { i, card[i].vlan, card[i].vlan_qos };
		struct {
			struct rtattr head;
			struct ifla_vf_vlan_info first;
		} vlans = {
			{ RTA_LENGTH(sizeof(vlans.first)), IFLA_VF_VLAN_INFO },
			{ i, card[i].vlan, card[i].vlan_qos, htons(card[i].vlan_proto ? card[i].vlan_proto : 0x8100) },
		};
		struct ifla_vf_rate rate = { i, min_rate, card[i].rate };
		struct ifla_vf_trust trust = { i, unknown & VF_TRUST ? ~0u : card[i].trust };
		struct ifla_vf_spoofchk spoofchk = { i, unknown & VF_SPOOFCHK ? ~0u : card[i].spoofchk };

		memcpy(mac.mac, card[i].mac, 6);
		info = put(h, IFLA_VF_INFO, NULL, 0);
		put(h, IFLA_VF_MAC, &mac, sizeof(mac));
		put(h, IFLA_VF_VLAN, &vlan, sizeof(vlan));
		put(h, IFLA_VF_VLAN_LIST, &vlans, sizeof(vlans));
		put(h, IFLA_VF_RATE, &rate, sizeof(rate));
		put(h, IFLA_VF_TRUST, &trust, sizeof(trust));
		put(h, IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk));
		info->rta_len = (char *)h + h->nlmsg_len - (char *)info;
	}
	list->rta_len = (char *)h + h->nlmsg_len - (char *)list;
	return h->nlmsg_len;
}

ssize_t netlink_talk(int protocol, void *request, size_t size, void *answer, size_t room)
{
	struct nlmsghdr *h = request;
	struct ifinfomsg *i = NLMSG_DATA(h);
	const struct rtattr *first = (const struct rtattr *)(i + 1);

	assert_int_equal(h->nlmsg_len, size);
	assert_int_equal(i->ifi_index, 9);
	if (h->nlmsg_type == RTM_SETLINK) {
		assert_true(h->nlmsg_flags & NLM_F_ACK);
		return change(first);
	}
	assert_int_equal(h->nlmsg_type, RTM_GETLINK);
	assert_int_equal(first->rta_type, IFLA_EXT_MASK);
	assert_true(*(uint32_t *)RTA_DATA(first) & RTEXT_FILTER_VF);
	return describe(answer);
}

/* The NVMe controller: the resources that it can share out, and the commands that it got. */
static struct {
	uint32_t queues, interrupts;
	uint16_t most, refuses;		/* of one secondary controller; the status of commands */
	unsigned int refused;		/* only this controller refuses; 0: all */
	uint8_t number;			/* of secondary controllers, as it reports */
} disk;

int nvme_open(const char *name)
{
	assert_string_equal(name, "nvme0");
	return open("/dev/null", O_RDONLY);
}

int nvme_admin(int fd, struct nvme_admin_cmd *cmd)
{
	unsigned char *data = (void *)(uintptr_t)cmd->addr;

	if (cmd->opcode != 6) {
		assert_int_equal(cmd->opcode, 0x1c);
		did("controller %u: action %u of kind %u, %u\n", cmd->cdw10 >> 16, cmd->cdw10 & 15,
		    cmd->cdw10 >> 8 & 7, cmd->cdw11);
		return !disk.refused || disk.refused == (cmd->cdw10 & 15) ? disk.refuses : 0;
	}
	assert_int_equal(cmd->data_len, 4096);
	memset(data, 0, 4096);
	if (cmd->cdw10 == 0x14) {
		memcpy(data + 32, &disk.queues, 4);
		memcpy(data + 64, &disk.interrupts, 4);
		memcpy(data + 44, &disk.most, 2);
		memcpy(data + 76, &disk.most, 2);
	} else {
		assert_int_equal(cmd->cdw10, 0x15);
		data[0] = disk.number;
		for (unsigned int i = 0; i < 4; i++)
			data[32 + 32 * i] = 11 + i;	/* its number */
	}
	return 0;
}

#define BARS "0x00000000fe000000 0x00000000fe003fff 0x0000000000140204\n0x0 0x0 0x0\n0x0 0x0 0x0\n" \
	"0x00000000fe004000 0x00000000fe007fff 0x0000000000140204\n0x0 0x0 0x0\n0x0 0x0 0x0\n"

static int start(void **state)
{
	const struct function all[] = {
		{ .sbdf = PF, .driver = "igb", .reset = "flr bus", .resource = BARS, .why = -EMLINK },
		{ .sbdf = VF0, .driver = "", .reset = "flr", .resource = BARS, .pf = PF },
		{ .sbdf = VF1, .driver = "igbvf", .reset = "flr", .resource = BARS, .pf = PF, .why = -ETXTBSY },
		{ .sbdf = NIC, .driver = "e1000e", .reset = "bus", .resource = BARS },
		{ .sbdf = NIC1, .driver = "", .reset = "pm", .resource = BARS },
		{ .sbdf = LPC, .driver = "", .resource = "", .why = -ENOTTY },
		{ .sbdf = DISK, .driver = "nvme", .reset = "flr", .resource = BARS },
	};
	const struct vf_settings nothing = { .set = VF_ALL, .spoofchk = true };

	memset(machine, 0, sizeof(machine));
	memcpy(machine, all, sizeof(all));
	for (unsigned int i = 0; i < 3; i++)
		card[i] = nothing;
	history[0] = stored_at[0] = 0;
	store_fails = false;
	none_for_web = 0;
	refuses = forgets = unknown = 0;
	vfs_made = -1;
	no_vfs = 0;
	k = (struct keel){ 0 };
	return 0;
}

/* Its driver is unbound, and it belongs to nobody. */
static void taken_from_its_driver(void **state)
{
	assert_int_equal(pci_make_assignable(&k, VF1), 0);
	assert_string_equal(history,
			    "0000:01:00.2/driver_override=keel-assigned\n0000:01:00.2/driver/unbind=0000:01:00.2\n"
			    "assign 102 to 32753\n");
}

/* If anything fails, its driver is bound again, and nothing keeps drivers from it. */
static void its_driver_gets_it_back(void **state)
{
	struct function *f = function(VF1);

	f->no_assign = -EIO;
	assert_int_equal(pci_make_assignable(&k, VF1), -EBUSY);
	assert_contains(k.err.text, "0000:01:00.2 cannot be assigned: its last reset did not end");
	assert_string_equal(history,
			    "0000:01:00.2/driver_override=keel-assigned\n0000:01:00.2/driver/unbind=0000:01:00.2\n"
			    "assign 102 to 32753\n0000:01:00.2/driver_override=nothing\n"
			    "/sys/bus/pci/drivers_probe=0000:01:00.2\n");
	start(state);
	f->no_assign = -ERANGE;
	assert_int_equal(pci_make_assignable(&k, VF1), -EBUSY);
	assert_contains(k.err.text, "a BAR lies over memory");
	assert_contains(history, "assign 102 to 32753\n0000:01:00.2/driver_override=nothing\n"
			"/sys/bus/pci/drivers_probe=0000:01:00.2\n");
	/* The driver was not unbound: it is not probed again. */
	start(state);
	f->no_unbind = -EBUSY;
	assert_int_equal(pci_make_assignable(&k, VF1), -EBUSY);
	assert_contains(k.err.text, "cannot be taken from its driver");
	assert_string_equal(history,
			    "0000:01:00.2/driver_override=keel-assigned\n0000:01:00.2/driver/unbind=0000:01:00.2\n"
			    "0000:01:00.2/driver_override=nothing\n");
	/* It had no driver. */
	start(state);
	function(VF0)->no_assign = -ERANGE;
	assert_int_equal(pci_make_assignable(&k, VF0), -EBUSY);
	assert_null(strstr(history, "probe"));
	assert_null(strstr(history, "unbind"));
}

static void given_back(void **state)
{
	function(VF0)->owner = DOMID_IO;
	assert_int_equal(pci_give_back(&k, VF0), 0);
	assert_string_equal(history, "deassign 101 from 32753\n0000:01:00.1/driver_override=nothing\n"
			    "/sys/bus/pci/drivers_probe=0000:01:00.1\n");
	/* A group stays together. */
	start(state);
	function(NIC1)->owner = DOMID_IO;
	function(NIC1)->no_deassign = -EXDEV;
	assert_int_equal(pci_give_back(&k, NIC1), -EXDEV);
	assert_contains(k.err.text, "shares a group");
	assert_null(strstr(history, "probe"));
	/* Functions of a guest, and of Dom0, are left alone. */
	start(state);
	function(VF0)->owner = WEB;
	assert_int_equal(pci_give_back(&k, VF0), -EBUSY);
	assert_contains(k.err.text, "web has it");
	assert_int_equal(pci_give_back(&k, VF1), -EBUSY);
	assert_contains(k.err.text, "it is Dom0's");
	assert_string_equal(history, "");
}

/*
 * The reason that is reported beforehand is the one with which it is refused later, before anything
 * is touched.
 */
static void refused(uint32_t sbdf, const char *why, bool for_good)
{
	const struct guest_pci p = { .sbdf = sbdf };
	struct pci_owners o;
	struct pci_info i;

	assert_int_equal(pci_owners_get(&k, &o), 0);
	assert_int_equal(pci_info_get(&k, &o, sbdf, &i), 0);
	pci_owners_free(&o);
	assert_contains(i.refused.why, why);
	assert_int_equal(pci_check(&k, sbdf), -EBUSY);
	assert_contains(k.err.text, i.refused.why);
	assert_contains(k.err.text, i.refused.advice);
	assert_int_equal(pci_attach(&k, WEB, &p), -EBUSY);
	assert_contains(k.err.text, i.refused.why);
	assert_string_equal(history, "");
	if (!for_good)
		return;
	assert_int_equal(pci_make_assignable(&k, sbdf), -EBUSY);
	assert_contains(k.err.text, i.refused.why);
	assert_contains(k.err.text, i.refused.advice);
	assert_string_equal(history, "");
}

static void said_beforehand(void **state)
{
	static const struct {
		int why;
		const char *text;
	} reasons[] = {
#define PCI_REFUSED(error, words) { -error, words },
#include <public/pci_refused.inc>
	};

	refused(VF1, "Dom0's driver igbvf has it", false);
	assert_contains(k.err.text, "`keel pci-assignable-add 0000:01:00.2` takes it from there");
	refused(NIC, "it shares a group with 0000:02:01.1, which is not in quarantine but Dom0's", false);
	assert_contains(k.err.text, "; `keel pci-assignable-add 0000:02:01.1` takes that one");
	refused(LPC, "it cannot be reset", true);
	refused(PF, "its virtual functions are on", true);
	assert_contains(k.err.text, "`keel vf-create 0000:01:00.0 0` removes them");
	function(VF0)->owner = WEB;
	refused(VF0, "web has it", true);
	assert_contains(k.err.text, "`keel pci-detach web 0000:01:00.1` takes it back");
	function(VF0)->owner = 0;
	for (unsigned int i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(reasons[i].why, reasons[j].why);
		function(VF0)->why = reasons[i].why;
		refused(VF0, reasons[i].text, reasons[i].why != -ETXTBSY);
	}
	function(VF0)->why = 0;
	assert_int_equal(pci_check(&k, VF0), 0);
	function(NIC1)->owner = WEB;
	refused(NIC, "which is not in quarantine but web's", false);
	assert_contains(k.err.text, "`keel pci-detach web 0000:02:01.1` takes that one back");
	function(NIC1)->owner = DOMID_IO;
	refused(NIC, "Dom0's driver e1000e has it", false);
	function(NIC)->driver = "pciback";
	assert_int_equal(pci_check(&k, NIC), 0);
	assert_int_equal(pci_check(&k, 0x0777), -ENODEV);
	assert_contains(k.err.text, "there is no PCI function 0000:07:0e.7");
}

static void bars_that_cannot_be_shown(void **state)
{
	static const struct {
		const char *resource, *why;
	} cases[] = {
		{ "0x0 0x3fff 0x20140204\n", "a BAR has no address" },
		{ "0xfe000100 0xfe0001ff 0x40200\n0x0 0x0 0x0\n", "a BAR shares its page" },
		{ "0xfe000000 0xfe000fff 0x40200\n0xfe001000 0xfe001fff 0x40200\n", NULL },
		{ "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0xfe000000 0xfe000fff 0x40200\n", NULL },
		{ "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0x0 0xfff 0x40200\n", "a BAR has no address" },
		{ "0xfe000000 0xfe000fff 0x40200\n0x1000 0x101f 0x40101\n", NULL },
		/* the ROM */
		{ "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0xfe000100 0xfe0001ff 0x40200\n", NULL },
		{ "", NULL }, { "nonsense", NULL },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		function(VF0)->resource = cases[i].resource;
		if (cases[i].why)
			refused(VF0, cases[i].why, true);
		else
			assert_int_equal(pci_check(&k, VF0), 0);
	}
}

static void what_is_known(void **state)
{
	struct pci_owners o;
	struct pci_info p;
	char room[32];

	assert_int_equal(pci_owners_get(&k, &o), 0);
	function(VF1)->reserved = true;
	assert_int_equal(pci_info_get(&k, &o, VF1, &p), 0);
	assert_true(p.virtfn);
	assert_int_equal(p.physfn, PF);
	assert_int_equal(p.index, 1);
	assert_string_equal(p.driver, "igbvf");
	assert_string_equal(p.reset, "flr");
	assert_int_equal(p.nr_reserved, 1);
	assert_int_equal(p.owner, 0);
	assert_false(p.assignable);
	assert_int_equal(pci_info_get(&k, &o, PF, &p), 0);
	assert_false(p.virtfn);
	assert_int_equal(p.vfs, 2);
	assert_int_equal(p.max_vfs, 7);
	assert_int_equal(p.class, 0x0200);
	function(VF0)->owner = DOMID_IO;
	assert_int_equal(pci_info_get(&k, &o, VF0, &p), 0);
	assert_int_equal(p.owner, DOMID_IO);
	assert_true(p.assignable);
	assert_int_equal(p.refused.error, 0);
	assert_string_equal(p.refused.why, "");
	assert_string_equal(pci_owner_name(&o, DOMID_IO, room, sizeof(room)), "quarantine");
	assert_string_equal(pci_owner_name(&o, WEB, room, sizeof(room)), "web");
	assert_string_equal(pci_owner_name(&o, 7, room, sizeof(room)), "domain 7");
	pci_owners_free(&o);
}

/* The hypervisor's kind of reset is reported, whatever Linux would use. */
static void way_of_reset(void **state)
{
	static const char none[16] = "\x01\x48\x03\0\0\0\0\x10",
				     flr[16] = "\x01\x48\x03\0\0\0\0\0\x10\0\x02\0\0\x80\0\x10",
		no_flr[16] = "\x10\0\x02\0\0\x80\0\0\0\0\0\0\0\0\0\x10", loop[16] = "\x01\x40";
	static const struct {
		const char *config;
		int why;
		const char *way;
	} cases[] = {
		{ flr, 0, "flr" }, { flr, -EMLINK, "flr" }, { none, 0, "bus" }, { no_flr, 0, "bus" },
		{ NULL, 0, "bus" }, { loop, -ENOTTY, "" }, { no_flr, -ENOTTY, "" }, { no_flr, -EMLINK, "" },
		{ no_flr, -ETXTBSY, "bus" }, { no_flr, -EIO, "bus" }, { none, -EISDIR, "" },
		{ none, -EOPNOTSUPP, "" },
	};
	struct pci_owners o;
	struct pci_info p;

	assert_int_equal(pci_owners_get(&k, &o), 0);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		function(VF0)->config = cases[i].config;
		function(VF0)->why = cases[i].why;
		function(VF0)->reset = i & 1 ? "bus" : "flr";
		assert_int_equal(pci_info_get(&k, &o, VF0, &p), 0);
		assert_string_equal(p.way, cases[i].way);
	}
	pci_owners_free(&o);
}

/*
 * The last reset of a function in quarantine failed: it is reset again. A function of Dom0 stays
 * with its driver.
 */
static void reset_once_more(void **state)
{
	function(VF0)->owner = DOMID_IO;
	function(VF0)->why = -EIO;
	refused(VF0, "its last reset did not end", false);
	assert_contains(k.err.text, "`keel pci-assignable-add 0000:01:00.1` tries again");
	assert_int_equal(pci_make_assignable(&k, VF0), 0);
	assert_contains(history, "assign 101 to 32753\n");
	assert_null(strstr(history, "unbind"));
	history[0] = 0;
	function(VF1)->why = -EIO;
	assert_int_equal(pci_make_assignable(&k, VF1), -EBUSY);
	function(VF0)->why = -ERANGE;
	assert_int_equal(pci_make_assignable(&k, VF0), -EBUSY);
	assert_string_equal(history, "");
}

/* Virtual functions that no guest has are made again. If a guest has one, all of them stay. */
static void virtual_functions(void **state)
{
	assert_int_equal(pci_create_vfs(&k, PF, 3), 0);
	assert_string_equal(history,
			    "0000:01:00.0/sriov_drivers_autoprobe=0\n0000:01:00.0/sriov_numvfs=0\n"
			    "0000:01:00.0/sriov_numvfs=3\n0000:01:00.0/sriov_drivers_autoprobe=1\n");
	function(VF0)->owner = DOMID_IO;
	assert_int_equal(pci_create_vfs(&k, PF, 0), 0);
	assert_int_equal(vfs_made, 0);
	history[0] = 0;
	function(VF1)->owner = WEB;
	assert_int_equal(pci_create_vfs(&k, PF, 3), -EBUSY);
	assert_contains(k.err.text, "web has 0000:01:00.2, a virtual function of 0000:01:00.0");
	assert_string_equal(history, "");
	assert_int_equal(pci_create_vfs(&k, NIC, 1), -ENODEV);
	assert_contains(k.err.text, "0000:02:01.0 cannot have virtual functions: it has no SR-IOV");
	assert_int_equal(pci_create_vfs(&k, 0x0777, 1), -ENODEV);
	assert_contains(k.err.text, "there is no PCI function 0000:07:0e.7");
	/* Existing ones stay. */
	function(VF1)->owner = 0;
	assert_int_equal(pci_create_vfs(&k, PF, 8), -ERANGE);
	assert_contains(k.err.text, "0000:01:00.0 can have 7 virtual functions at most");
	assert_string_equal(history, "");
	function(VF1)->owner = 0;
	no_vfs = -ENOSPC;
	assert_int_equal(pci_create_vfs(&k, PF, 3), -ENOSPC);
	assert_string_equal(history,
			    "0000:01:00.0/sriov_drivers_autoprobe=0\n0000:01:00.0/sriov_numvfs=0\n"
			    "0000:01:00.0/sriov_drivers_autoprobe=1\n");
	/* With an IOMMU that does not remap interrupts, no guest can have a function. */
	start(state);
	for (unsigned int i = 0; i < 8; i++)
		machine[i].why = -EOPNOTSUPP;
	assert_int_equal(pci_create_vfs(&k, PF, 3), 0);
	assert_int_equal(vfs_made, 3);
}

/* keel checks that the queues suffice before it removes the existing functions. */
static void queues_are_shared_out(void **state)
{
	disk.queues = 9;
	disk.interrupts = 5;
	disk.most = 3;
	disk.number = 4;
	disk.refuses = disk.refused = 0;
	assert_int_equal(pci_create_vfs(&k, DISK, 2), 0);
	assert_string_equal(history,
			    "0000:03:00.0/sriov_drivers_autoprobe=0\n0000:03:00.0/sriov_numvfs=0\n"
			    "0000:03:00.0/sriov_drivers_autoprobe=1\n"
			    "controller 0: action 1 of kind 0, 0\ncontroller 0: action 1 of kind 1, 0\n"
			    "/sys/class/nvme/nvme0/reset_controller=1\n"
			    "controller 11: action 7 of kind 0, 0\ncontroller 11: action 8 of kind 0, 3\n"
			    "controller 11: action 8 of kind 1, 2\n"
			    "controller 12: action 7 of kind 0, 0\ncontroller 12: action 8 of kind 0, 3\n"
			    "controller 12: action 8 of kind 1, 2\n"
			    "0000:03:00.0/sriov_drivers_autoprobe=0\n0000:03:00.0/sriov_numvfs=0\n"
			    "0000:03:00.0/sriov_numvfs=2\n0000:03:00.0/sriov_drivers_autoprobe=1\n"
			    "controller 11: action 9 of kind 0, 0\ncontroller 12: action 9 of kind 0, 0\n");
	history[0] = 0;
	disk.queues = 7;
	assert_int_equal(pci_create_vfs(&k, DISK, 4), -ENOSPC);
	assert_contains(k.err.text,
			"nvme0: 7 flexible queues and 5 interrupts are not enough for 4 virtual functions");
	disk.queues = 8;
	disk.interrupts = 3;
	assert_int_equal(pci_create_vfs(&k, DISK, 4), -ENOSPC);
	assert_int_equal(pci_create_vfs(&k, DISK, 5), -EINVAL);
	assert_contains(k.err.text, "nvme0 has 4 secondary controllers, fewer than 5");
	assert_string_equal(history, "");
	disk.interrupts = 4;
	assert_int_equal(pci_create_vfs(&k, DISK, 4), 0);
	disk.refuses = 0x11f;
	assert_int_equal(pci_create_vfs(&k, DISK, 4), -EIO);
	assert_contains(k.err.text, "nvme0: cannot free its flexible queues: NVMe status 0x11f");
	/* One does not come online: none is left. */
	disk.refused = 9;
	history[0] = 0;
	assert_int_equal(pci_create_vfs(&k, DISK, 4), -EIO);
	assert_contains(k.err.text, "nvme0: cannot bring a controller online: NVMe status 0x11f");
	assert_contains(history,
			"sriov_numvfs=4\n0000:03:00.0/sriov_drivers_autoprobe=1\ncontroller 11: action 9 of kind 0, 0\n"
			"0000:03:00.0/sriov_drivers_autoprobe=0\n0000:03:00.0/sriov_numvfs=0\n");
	assert_int_equal(vfs_made, 0);
}

/* A controller that reports more entries than its list can hold. */
static void a_list_that_is_too_long(void **state)
{
	disk.queues = disk.interrupts = 1000;
	disk.most = 3;
	disk.number = 255;
	disk.refuses = disk.refused = 0;
	most_vfs = "200";
	assert_int_equal(pci_create_vfs(&k, DISK, 128), -EINVAL);
	assert_contains(k.err.text, "nvme0 has 127 secondary controllers, fewer than 128");
	assert_string_equal(history, "");
	most_vfs = "7";
}

static struct guest_pci with(uint32_t sbdf, const char *settings)
{
	struct guest_pci p = { .sbdf = sbdf };

	assert_int_equal(vf_settings_parse(&p.vf, settings, &k.err), 0);
	return p;
}

static void settings_come_and_go(void **state)
{
	struct guest_pci p = with(VF1, "mac=02:00:00:00:00:07,vlan=5,rate=100,trust=on,spoofchk=off");

	function(VF1)->driver = "";
	function(VF1)->why = 0;
	card[1].vlan = 9;
	card[1].rate = 50;
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	assert_string_equal(history,
			    "vf 1 mac=02:00:00:00:00:07\nvf 1 vlan=5\nvf 1 rate=100\nvf 1 trust=on\n"
			    "vf 1 spoofchk=off\nassign 102 to 3\n");
	assert_string_equal(stored_at, "/tool/keel/3/pci/00000102");
	assert_string_equal(stored, "mac=00:00:00:00:00:00,vlan=9,rate=50,trust=off,spoofchk=on");
	history[0] = 0;
	assert_int_equal(pci_detach(&k, WEB, VF1), 0);
	assert_string_equal(history,
			    "deassign 102 from 3\nvf 1 spoofchk=on\nvf 1 trust=off\nvf 1 rate=50\nvf 1 vlan=9\n"
			    "vf 1 mac=00:00:00:00:00:00\n");
	assert_string_equal(stored_at, "");
	/* The guest ends: only the settings that were asked for are put back. */
	p = with(VF1, "vlan=5");
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	assert_string_equal(stored, "vlan=9");
	history[0] = 0;
	function(VF1)->owner = DOMID_IO;
	refuses = VF_VLAN;
	pci_forget(&k, WEB);
	assert_string_equal(history,
			    "vf 1 vlan=9\nwarning: settings of PCI function 0000:01:00.2 could not be put back: "
			    "vlan=9\n");
	assert_string_equal(stored_at, "");
	history[0] = 0;
	pci_forget(&k, WEB);
	assert_string_equal(history, "");
}

/*
 * The function leaves before the guest's memory is freed. Settings that belong to another guest
 * stay, and are recognized as such.
 */
static void settings_when_guests_end(void **state)
{
	struct guest_pci p = with(VF0, "vlan=7");

	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	history[0] = 0;
	pci_forget(&k, WEB);
	assert_string_equal(history, "deassign 101 from 3\nvf 0 vlan=0\n");
	assert_int_equal(function(VF0)->owner, DOMID_IO);
	assert_string_equal(stored_at, "");
	/* The function does not leave: no setting is put back while the guest has it. */
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	function(VF0)->no_deassign = -EBUSY;
	history[0] = 0;
	pci_forget(&k, WEB);
	assert_string_equal(history,
			    "deassign 101 from 3\nwarning: PCI function 0000:01:00.1 does not leave domain 3: "
			    "Device or resource busy\n");
	assert_string_equal(stored_at, "/tool/keel/3/pci/00000101");
	/* Domain 7 had it, and vlan=9 was still to be put back. Now web has it. */
	strcpy(stored_at, "/tool/keel/7/pci/00000101");
	strcpy(stored, "vlan=9");
	history[0] = 0;
	pci_forget(&k, 7);
	assert_string_equal(history, "");
	assert_string_equal(stored_at, "");
	/*
	 * The same before web gets it: the settings that are put back when web ends are not domain
	 * 7's.
	 */
	start(state);
	card[0].vlan = 5;
	strcpy(stored_at, "/tool/keel/7/pci/00000101");
	strcpy(stored, "vlan=9");
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	assert_string_equal(history, "vf 0 vlan=9\nvf 0 vlan=7\nassign 101 to 3\n");
	assert_string_equal(stored_at, "/tool/keel/3/pci/00000101");
	assert_string_equal(stored, "vlan=9");
}

static void priority_and_protocol_come_back(void **state)
{
	struct guest_pci p = with(VF0, "vlan=7");

	card[0].vlan = 9;
	card[0].vlan_qos = 3;
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	assert_int_equal(card[0].vlan_qos, 0);
	assert_int_equal(pci_detach(&k, WEB, VF0), 0);
	assert_int_equal(card[0].vlan, 9);
	assert_int_equal(card[0].vlan_qos, 3);
	card[0].vlan_proto = 0x88a8;
	assert_int_equal(pci_attach(&k, WEB, &p), 0);
	assert_string_equal(stored, "vlan=9:3:88a8");
	assert_int_equal(card[0].vlan_proto, 0);
	assert_int_equal(pci_detach(&k, WEB, VF0), 0);
	assert_int_equal(card[0].vlan, 9);
	assert_int_equal(card[0].vlan_qos, 3);
	assert_int_equal(card[0].vlan_proto, 0x88a8);
}

/* Settings that a driver has by itself, and text that is no setting at all. */
static void kept_text_that_is_odd(void **state)
{
	static const struct {
		const char *text, *warning;
		unsigned int vlan, rate;
		bool trust;
	} odd[] = {
		{ "vlan=4095,rate=4294967295,trust=off", NULL, 4095, 4294967295u, false },
		{ "vlan=9,rate=4294967296", "rate '4294967296'", 9, 0, false },
		{ "vlan=x,trust=on", "vlan 'x'", 5, 0, true },
		{ "vlan=9:3:88a8:1,trust=off", "vlan '9:3:88a8:1'", 5, 0, false },
		{ "vlan=9,vlan=10", "vlan is there twice", 9, 0, false },
		{ "trust=off,,vlan=9", "''", 9, 0, false },
		{ "trust=maybe,vlan=9", "trust 'maybe'", 9, 0, false },
		{ "nonsense", "'nonsense'", 5, 0, false },
	};

	for (unsigned int i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		start(state);
		card[0].vlan = 5;
		card[0].trust = true;
		strcpy(stored_at, "/tool/keel/3/pci/00000101");
		strcpy(stored, odd[i].text);
		function(VF0)->owner = WEB;
		assert_int_equal(pci_detach(&k, WEB, VF0), 0);
		assert_int_equal(card[0].vlan, odd[i].vlan);
		assert_int_equal(card[0].rate, odd[i].rate);
		assert_int_equal(card[0].trust, odd[i].trust);
		if (odd[i].warning)
			assert_contains(history, odd[i].warning);
		assert_int_equal(!strstr(history,
					 "warning: not all settings of PCI function 0000:01:00.1 could be put back"),
				 !odd[i].warning);
	}
}

/* Nothing is changed, and the guest does not get the function. */
static void a_setting_that_is_refused(void **state)
{
	struct guest_pci p = with(VF0, "mac=02:00:00:00:00:07,vlan=5,trust=on");

	refuses = VF_TRUST;
	assert_int_equal(pci_attach(&k, WEB, &p), -EINVAL);
	assert_string_equal(k.err.text,
			    "the driver igb of 0000:01:00.0 refuses trust=on for 0000:01:00.1, its virtual "
			    "function 0: Invalid argument; nothing was changed");
	assert_string_equal(history,
			    "vf 0 mac=02:00:00:00:00:07\nvf 0 vlan=5\nvf 0 trust=on\nvf 0 vlan=0\n"
			    "vf 0 mac=00:00:00:00:00:00\n");
	assert_string_equal(stored_at, "");
	start(state);
	forgets = VF_VLAN;
	assert_int_equal(pci_attach(&k, WEB, &p), -EIO);
	assert_contains(k.err.text,
			"takes vlan=5 for 0000:01:00.1, its virtual function 0, but it does not read back");
	assert_false(card[0].trust);
	start(state);
	unknown = VF_TRUST;		/* it cannot be read, so it could not be put back */
	assert_int_equal(pci_attach(&k, WEB, &p), -EIO);
	assert_contains(k.err.text, "what held before could not be put back: trust=");
	start(state);
	store_fails = true;
	assert_int_equal(pci_attach(&k, WEB, &p), -EIO);
	assert_int_equal(card[0].vlan, 0);
	/* The hypervisor refuses: the settings are undone. */
	start(state);
	function(VF0)->no_assign = -EPERM;
	assert_int_equal(pci_attach(&k, WEB, &p), -EPERM);
	assert_contains(k.err.text,
			"web cannot have PCI functions: its configuration needs passthrough = \"enabled\"");
	assert_int_equal(card[0].vlan, 0);
	assert_string_equal(stored_at, "");
	/* The hypervisor says so beforehand: nothing is touched. */
	start(state);
	none_for_web = -EPERM;
	assert_int_equal(pci_attach(&k, WEB, &p), -EPERM);
	assert_contains(k.err.text, "web cannot have PCI functions");
	none_for_web = -ENOSPC;
	assert_int_equal(pci_attach(&k, WEB, &p), -ENOSPC);
	assert_contains(k.err.text, "web has 23 PCI functions, and no more ports");
	none_for_web = -EINPROGRESS;
	assert_int_equal(pci_attach(&k, WEB, &p), -EBUSY);
	assert_contains(k.err.text,
			"web is being migrated, and cannot have PCI functions meanwhile; attach it when that is over");
	assert_string_equal(history, "");
	start(state);
	function(VF0)->no_assign = -ENOENT;
	assert_int_equal(pci_attach(&k, WEB, &p), -EBUSY);
	assert_contains(k.err.text, "no IOMMU for it");
	start(state);
	function(VF0)->no_assign = -ENODEV;
	assert_int_equal(pci_attach(&k, WEB, &p), -EBUSY);
	assert_contains(k.err.text, "does not know it");
	start(state);
	function(VF0)->no_assign = -ENOSPC;
	assert_int_equal(pci_attach(&k, WEB, &p), -ENOSPC);
	assert_contains(k.err.text, "no more ports");
}

static void settings_of_what_has_none(void **state)
{
	struct guest_pci p = with(NIC1, "vlan=5");

	function(NIC)->owner = DOMID_IO;
	assert_int_equal(pci_attach(&k, WEB, &p), -ENODEV);
	assert_contains(k.err.text, "0000:02:01.1 is no virtual function");
	p = with(VF0, "vlan=5");
	function(PF)->driver = "vfio-pci";
	assert_int_equal(pci_attach(&k, WEB, &p), -ENODEV);
	assert_contains(k.err.text,
			"its physical function 0000:01:00.0 (driver vfio-pci) has no network interface");
	assert_string_equal(history, "");
}

int keel_open(struct keel *unused, bool no_xenstore)
{
	return 0;
}

struct xs_handle *xs_open(unsigned long flags)
{
	return NULL;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	*d = (struct keel_domain){ .id = WEB };
	return strcmp(who, "web") ? keel_fail(&q->err, ESRCH, "there is no domain named '%s'", who) : 0;
}

int keel_domain_find_guest(struct keel *q, const char *who, struct keel_domain *d)
{
	return keel_domain_find(q, who, d);
}

static void expect(const char *words, int rc, const char *says)
{
	static const struct command *const all[] = {
		&cmd_pci_list, &cmd_pci_assignable_list, &cmd_pci_assignable_add, &cmd_pci_assignable_remove,
		&cmd_pci_attach, &cmd_pci_detach, &cmd_vf_create, NULL,
	};
	int got;

	k = (struct keel){ 0 };
	got = run_command(&k, all, words);
	if (got != rc)
		fail_msg("keel %s: exit code %d, not %d: %s", words, got, rc, printed);
	assert_contains(printed, says);
}

static void by_command(void **state)
{
	function(VF1)->reserved = true;
	function(VF1)->why = 0;
	expect("pci-assignable-add 01:00.2", 0, "0000:01:00.2: assignable\n");
	expect("pci-assignable-list", 0, "0000:01:00.2\n");
	expect("pci-assignable-list --json", 0, "[\n  \"0000:01:00.2\"\n]\n");
	expect("pci-list", 0, "VF 1 of 0000:01:00.0");
	assert_contains(printed, "; reserved: 0x1000-0x1fff\n");
	expect("pci-list --json", 0, "\"owner\":\"quarantine\"");
	expect("pci-attach --json web 01:00.2", 0, "\"result\":\"attached\"");
	expect("pci-detach --json web 01:00.2", 0, "\"result\":\"detached\"");
	expect("pci-assignable-remove --json 01:00.2", 0, "\"result\":\"Dom0's again\"");
	expect("pci-assignable-add --json 01:00.2", 0, "\"result\":\"assignable\"");
	expect("vf-create 01:00.0 2", 0, "0000:01:00.0: 2 virtual functions: 0000:01:00.1 0000:01:00.2\n");
	expect("vf-create --json 01:00.0 2", 0, "\"functions\":[\n    \"0000:01:00.1\"");
	expect("pci-attach nobody 01:00.2", 3, "there is no domain named 'nobody'");
	expect("pci-attach web 07:00.2", 1, "there is no PCI function 0000:07:00.2");
}

/* Dry runs change nothing, and refuse what would be refused. */
static void dry(void **state)
{
	expect("pci-assignable-add -n 01:00.2", 0, "0000:01:00.2: would be assignable\n");
	expect("pci-assignable-add -n 00:1f.0", 1, "it cannot be reset");
	expect("pci-assignable-remove -n 01:00.2", 1, "is not assignable: it is Dom0's");
	expect("pci-attach -n web 01:00.1", 0, "0000:01:00.1: would be attached\n");
	expect("pci-attach -n --json web 01:00.1,vlan=5", 0, "\"dry_run\":true");
	expect("pci-attach -n web 01:00.2", 1, "Dom0's driver igbvf has it");
	none_for_web = -EPERM;
	expect("pci-attach -n web 01:00.1", 1, "web cannot have PCI functions");
	none_for_web = 0;
	expect("pci-detach -n web 01:00.1", 1, "domain 3 has no PCI function 0000:01:00.1");
	expect("vf-create -n 01:00.0 3", 0, "0000:01:00.0: would be given 3 virtual functions\n");
	expect("vf-create -n 01:00.0 1", 0, "1 virtual function\n");
	expect("vf-create -n --json 01:00.0 0", 0, "\"dry_run\":true");
	expect("vf-create -n 01:00.0 9", 1, "can have 7 virtual functions at most");
	assert_string_equal(history, "");
	assert_int_equal(vfs_made, -1);
	function(VF0)->owner = WEB;
	expect("pci-detach -n web 01:00.1", 0, "would be detached\n");
	expect("vf-create -n 01:00.0 3", 1, "web has 0000:01:00.1");
	function(VF0)->owner = DOMID_IO;
	expect("pci-assignable-remove -n 01:00.1", 0, "would be Dom0's again\n");
	assert_int_equal(function(VF0)->owner, DOMID_IO);
	assert_string_equal(history, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(taken_from_its_driver, start),
			cmocka_unit_test_setup(its_driver_gets_it_back, start),
		cmocka_unit_test_setup(given_back, start), cmocka_unit_test_setup(said_beforehand, start),
		cmocka_unit_test_setup(bars_that_cannot_be_shown, start),
		cmocka_unit_test_setup(what_is_known, start), cmocka_unit_test_setup(virtual_functions, start),
		cmocka_unit_test_setup(queues_are_shared_out, start),
		cmocka_unit_test_setup(a_list_that_is_too_long, start),
		cmocka_unit_test_setup(way_of_reset, start), cmocka_unit_test_setup(reset_once_more, start),
		cmocka_unit_test_setup(settings_come_and_go, start),
		cmocka_unit_test_setup(a_setting_that_is_refused, start),
		cmocka_unit_test_setup(settings_of_what_has_none, start),
		cmocka_unit_test_setup(settings_when_guests_end, start),
		cmocka_unit_test_setup(priority_and_protocol_come_back, start),
		cmocka_unit_test_setup(kept_text_that_is_odd, start),
		cmocka_unit_test_setup(by_command, start), cmocka_unit_test_setup(dry, start),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	free(printed);
	return rc;
}
