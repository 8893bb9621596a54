/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MAC, VLAN, rate, trust and spoof check of virtual functions: rtnetlink(7), as `ip link set DEV vf
 * N` does it.
 */
#include "lib/vf_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netlink.h"
#include "lib/pci_info.h"
#include "lib/sysfs.h"

#define ANSWER_SIZE (256 << 10)		/* 255 virtual functions take about 250 bytes each */

/* A virtual function, as Linux's network configuration names it. */
struct vf_link {
	struct keel *k;
	unsigned int index;		/* of the physical function's interface */
	unsigned int vf;
	char driver[32], name[16], pf[16];
	unsigned int min_rate;		/* stays as it is */
};

struct request {
	struct nlmsghdr h;
	struct ifinfomsg i;
	char attributes[128];
};

static void start(struct request *r, const struct vf_link *l, unsigned int type, unsigned int flags)
{
	*r = (struct request){ 0 };
	r->h.nlmsg_len = NLMSG_LENGTH(sizeof(r->i));
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | flags;
	r->i.ifi_index = l->index;
}

/* The attribute of that type among those in [p, p + size). */
static const struct rtattr *find(const void *p, size_t size, unsigned int type)
{
	const struct rtattr *a = p;
	unsigned int left = size;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

/* Copies the value of such an attribute, if it is there and long enough. */
static bool value(const struct rtattr *in, unsigned int type, void *out, size_t size)
{
	const struct rtattr *a = find(RTA_DATA(in), RTA_PAYLOAD(in), type);

	if (!a || RTA_PAYLOAD(a) < size)
		return false;
	memcpy(out, RTA_DATA(a), size);
	return true;
}

/* Older kernels and drivers have no list: priority alone, and 802.1Q. */
static void take_vlan(const struct rtattr *info, struct vf_settings *v)
{
	const struct rtattr *list = find(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_VF_VLAN_LIST);
	struct ifla_vf_vlan_info first;
	struct ifla_vf_vlan vlan;

	if (!value(info, IFLA_VF_VLAN, &vlan, sizeof(vlan)))
		return;
	v->set |= VF_VLAN;
	v->vlan = vlan.vlan;
	v->vlan_qos = vlan.qos;
	if (list && value(list, IFLA_VF_VLAN_INFO, &first, sizeof(first)) &&
	    ntohs(first.vlan_proto) != ETH_P_8021Q)
		v->vlan_proto = ntohs(first.vlan_proto);
}

static void take(struct vf_link *l, const struct rtattr *info, struct vf_settings *v)
{
	struct ifla_vf_mac mac;
	struct ifla_vf_rate rate;
	struct ifla_vf_spoofchk spoofchk;
	struct ifla_vf_trust trust;

	*v = (struct vf_settings){ 0 };
	if (value(info, IFLA_VF_MAC, &mac, sizeof(mac))) {
		v->set |= VF_MAC;
		memcpy(v->mac, mac.mac, sizeof(v->mac));
	}
	take_vlan(info, v);
	if (value(info, IFLA_VF_RATE, &rate, sizeof(rate))) {
		v->set |= VF_RATE;
		v->rate = rate.max_tx_rate;
		l->min_rate = rate.min_tx_rate;
	}
	/* All ones: the driver does not know. */
	if (value(info, IFLA_VF_TRUST, &trust, sizeof(trust)) && trust.setting != ~0u) {
		v->set |= VF_TRUST;
		v->trust = trust.setting;
	}
	if (value(info, IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk)) && spoofchk.setting != ~0u) {
		v->set |= VF_SPOOFCHK;
		v->spoofchk = spoofchk.setting;
	}
}

static int from_answer(struct vf_link *l, const void *answer, size_t size, struct vf_settings *v)
{
	const size_t head = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	const struct rtattr *list = size > head
				    ? find((const char *)answer + NLMSG_ALIGN(head), size - head,
						       IFLA_VFINFO_LIST) : NULL;
	const struct rtattr *info = list ? RTA_DATA(list) : NULL;
	unsigned int left = list ? RTA_PAYLOAD(list) : 0;
	struct ifla_vf_mac mac;

	for (; info && RTA_OK(info, left); info = RTA_NEXT(info, left))
		if (value(info, IFLA_VF_MAC, &mac, sizeof(mac)) && mac.vf == l->vf) {
			take(l, info, v);
			return 0;
		}
	return -ENODATA;
}

/* What holds now: .set says what the driver tells. */
static int get(struct vf_link *l, struct vf_settings *v)
{
	const uint32_t mask = RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS;
	char *answer = malloc(ANSWER_SIZE);
	struct request r;
	ssize_t n;
	int rc;

	if (!answer)
		return -ENOMEM;
	start(&r, l, RTM_GETLINK, 0);
	netlink_put(&r, IFLA_EXT_MASK, &mask, sizeof(mask));
	n = netlink_talk(NETLINK_ROUTE, &r, r.h.nlmsg_len, answer, ANSWER_SIZE);
	rc = n < 0 ? n : from_answer(l, answer, n, v);
	free(answer);
	return rc;
}

static void add_vlan(struct request *r, const struct vf_link *l, const struct vf_settings *v)
{
	struct ifla_vf_vlan vlan = { .vf = l->vf, .vlan = v->vlan, .qos = v->vlan_qos };
	struct ifla_vf_vlan_info first = {
		.vf = l->vf, .vlan = v->vlan, .qos = v->vlan_qos, .vlan_proto = htons(v->vlan_proto),
	};
	struct rtattr *list;

	if (!v->vlan_proto) {
		netlink_put(r, IFLA_VF_VLAN, &vlan, sizeof(vlan));
		return;
	}
	list = netlink_put(r, IFLA_VF_VLAN_LIST, NULL, 0);
	netlink_put(r, IFLA_VF_VLAN_INFO, &first, sizeof(first));
	netlink_end(r, list);
}

/* One setting. */
static int set(struct vf_link *l, const struct vf_settings *v, unsigned int which)
{
	struct ifla_vf_mac mac = { .vf = l->vf };
	struct ifla_vf_rate rate = { .vf = l->vf, .min_tx_rate = l->min_rate, .max_tx_rate = v->rate };
	struct ifla_vf_trust trust = { .vf = l->vf, .setting = v->trust };
	struct ifla_vf_spoofchk spoofchk = { .vf = l->vf, .setting = v->spoofchk };
	struct rtattr *list, *info;
	char answer[1024];
	struct request r;

	memcpy(mac.mac, v->mac, sizeof(v->mac));
	start(&r, l, RTM_SETLINK, NLM_F_ACK);
	list = netlink_put(&r, IFLA_VFINFO_LIST, NULL, 0);
	info = netlink_put(&r, IFLA_VF_INFO, NULL, 0);
	if (which == VF_MAC)
		netlink_put(&r, IFLA_VF_MAC, &mac, sizeof(mac));
	else if (which == VF_VLAN)
		add_vlan(&r, l, v);
	else if (which == VF_RATE)
		netlink_put(&r, IFLA_VF_RATE, &rate, sizeof(rate));
	else if (which == VF_TRUST)
		netlink_put(&r, IFLA_VF_TRUST, &trust, sizeof(trust));
	else
		netlink_put(&r, IFLA_VF_SPOOFCHK, &spoofchk, sizeof(spoofchk));
	netlink_end(&r, info);
	netlink_end(&r, list);
	return netlink_talk(NETLINK_ROUTE, &r, r.h.nlmsg_len, answer, sizeof(answer));
}

static bool same(const struct vf_settings *a, const struct vf_settings *b, unsigned int which)
{
	if (!(a->set & b->set & which))
		return false;
	switch (which) {
	case VF_MAC:
		return !memcmp(a->mac, b->mac, sizeof(a->mac));
	case VF_VLAN:
		return a->vlan == b->vlan && a->vlan_qos == b->vlan_qos && a->vlan_proto == b->vlan_proto;
	case VF_RATE:
		return a->rate == b->rate;
	case VF_TRUST:
		return a->trust == b->trust;
	default:
		return a->spoofchk == b->spoofchk;
	}
}

/* "vlan=5" */
static const char *one(const struct vf_settings *v, unsigned int which, char text[VF_SETTINGS_TEXT])
{
	struct vf_settings only = *v;

	only.set = which;
	vf_settings_text(&only, text);
	return text;
}

/* Where its physical function's interface is. */
static int open_link(struct keel *k, uint32_t sbdf, struct vf_link *l)
{
	char number[16], **names;
	uint32_t pf;
	int n, rc;

	*l = (struct vf_link){ .k = k };
	guest_pci_text(sbdf, l->name);
	if (pci_physfn(sbdf, &pf, &l->vf))
		return keel_fail(&k->err, ENODEV,
				 "PCI function %s is no virtual function: only those of a network "
				 "card have settings", l->name);
	guest_pci_text(pf, l->pf);
	sysfs_link(l->driver, sizeof(l->driver), SYSFS_PCI "/%s/driver", l->pf);
	n = sysfs_list(&names, SYSFS_PCI "/%s/net", l->pf);
	rc = n > 0 && names[0] ? sysfs_read(number, sizeof(number), SYSFS_PCI "/%s/net/%s/ifindex", l->pf,
					    names[0]) :
	     -ENODEV;
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (!rc)
		l->index = strtoul(number, NULL, 10);
	if (l->index)
		return 0;
	return keel_fail(&k->err, ENODEV,
			 "PCI function %s takes no settings: its physical function %s (driver %s) has no "
			 "network interface in Dom0", l->name, l->pf, *l->driver ? l->driver : "none");
}

/* Those of @which, the last first. Returns those that the driver does not take. */
static unsigned int put_back(struct vf_link *l, const struct vf_settings *before,
			     unsigned int which)
{
	unsigned int failed = 0;

	for (unsigned int bit = VF_SPOOFCHK; bit; bit >>= 1)
		if (which & bit && (!(before->set & bit) || set(l, before, bit)))
			failed |= bit;
	return failed;
}

static int give_up(struct vf_link *l, const struct vf_settings *before, unsigned int which)
{
	struct keel_error why = l->k->err;
	struct vf_settings lost = *before;
	char text[VF_SETTINGS_TEXT];

	lost.set = put_back(l, before, which);
	vf_settings_text(&lost, text);
	return keel_fail(&l->k->err, why.code, "%s; %s%s", why.text,
			 lost.set ? "what held before could not be put back: " : "nothing was changed", text);
}

int vf_link_apply(struct keel *k, uint32_t sbdf, const struct vf_settings *want,
		  struct vf_settings *before)
{
	struct vf_settings now;
	char text[VF_SETTINGS_TEXT];
	unsigned int done = 0;
	struct vf_link l;
	int rc;

	*before = (struct vf_settings){ 0 };
	if (!want->set)
		return 0;
	rc = open_link(k, sbdf, &l);
	if (rc)
		return rc;
	rc = get(&l, before);
	if (rc)
		return keel_fail(&k->err, -rc,
				 "the driver %s of %s does not tell the settings of its virtual function "
				 "%u: %s", l.driver, l.pf, l.vf, strerror(-rc));
	for (unsigned int bit = 1; bit & VF_ALL; bit <<= 1) {
		if (!(want->set & bit))
			continue;
		rc = set(&l, want, bit);
		if (rc) {
			keel_fail(&k->err, -rc, "the driver %s of %s refuses %s for %s, its virtual function %u: %s",
				  l.driver, l.pf, one(want, bit, text), l.name, l.vf, strerror(-rc));
			return give_up(&l, before, done);
		}
		done |= bit;
	}
	rc = get(&l, &now);
	for (unsigned int bit = 1; bit & VF_ALL; bit <<= 1)
		if (want->set & bit && (rc || !same(want, &now, bit))) {
			keel_fail(&k->err, EIO,
				  "the driver %s of %s takes %s for %s, its virtual function %u, but it does not "
				  "read back", l.driver, l.pf, one(want, bit, text), l.name, l.vf);
			return give_up(&l, before, done);
		}
	before->set &= want->set;
	return 0;
}

void vf_link_restore(struct keel *k, uint32_t sbdf, const struct vf_settings *before)
{
	struct vf_settings now, lost = *before;
	char text[VF_SETTINGS_TEXT];
	struct vf_link l;

	if (!before->set)
		return;
	/* The rate goes with a lower limit, which stays. */
	if (!open_link(k, sbdf, &l) && !get(&l, &now))
		lost.set = put_back(&l, before, before->set);
	if (!lost.set)
		return;
	vf_settings_text(&lost, text);
	guest_pci_text(sbdf, l.name);
	keel_warn(k, "settings of PCI function %s could not be put back: %s", l.name, text);
}
