/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of a network that runs, and the order in which they come and go. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/link.h"
#include "lib/net.h"
#include "lib/program.h"
#include "lib/sysfs.h"

const char *net_nft = "/usr/sbin/nft";
const char *net_dnsmasq = "/usr/sbin/dnsmasq";

/* The files of a network beside those of interfaces. */
static const char *const files[] = {
	"up", "hosts", "hosts.new", "dhcp-hosts", "dhcp-hosts.new", "leases", "dnsmasq.conf",
	"dnsmasq.conf.new", "dnsmasq.pid",
};

#define NR_FILES (sizeof(files) / sizeof(files[0]))

int net_nft_run(struct keel *k, char *text)
{
	const char *const argv[] = { net_nft, "-f", "-", NULL };
	int rc = text ? program_run(k, argv, "nftables", text) : keel_fail(&k->err, ENOMEM, "no memory");

	free(text);
	return rc;
}

/* The name of the interface of a tag. */
static void vlan_link(const struct net *n, char out[16])
{
	snprintf(out, 16, "vl-%s", n->name);
}

/* What Dom0 has in the network would be the interface's no more, once it is a port of a bridge. */
static int check_addresses(struct keel *k, const struct net *n)
{
	struct ifaddrs *all, *a;
	const char *uplink = NULL, *shared = NULL;
	bool port = n->kind == NET_BRIDGE && n->uplink[0];

	if (getifaddrs(&all))
		return keel_fail_errno(&k->err, "cannot read the addresses of Dom0's interfaces");
	for (a = all; a; a = a->ifa_next) {
		int family = a->ifa_addr ? a->ifa_addr->sa_family : 0;
		struct in6_addr *six = family != AF_INET6 ? NULL :
				       &((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr;
		void *four = family == AF_INET ? &((struct sockaddr_in *)a->ifa_addr)->sin_addr : NULL;

		if (port && !strcmp(a->ifa_name, n->uplink) && (four || (six && !IN6_IS_ADDR_LINKLOCAL(six))))
			uplink = n->uplink;
		if ((four && net_subnet_has(&n->v4, four)) || (six && net_subnet_has(&n->v6, six)))
			shared = strdupa(a->ifa_name);
	}
	freeifaddrs(all);
	if (uplink)
		return keel_fail(&k->err, EBUSY, "the uplink %s has addresses, at which Dom0 would no longer be reached "
				 "(give them to a bridge of yours, and name that one: bridge=NAME)", uplink);
	if (shared)
		return keel_fail(&k->err, EEXIST, "Dom0's interface %s is in the subnet of the network '%s' already",
				 shared, n->name);
	return 0;
}

static bool in_sysfs(const char *interface, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, what);
	return !access(path, F_OK);
}

/* What can be known in advance of a network that does not run. */
int net_check(struct keel *k, const struct net *n)
{
	char link[16];

	vlan_link(n, link);
	if (n->foreign_bridge && !in_sysfs(n->bridge, "bridge"))
		return keel_fail(&k->err, ENODEV, "there is no bridge '%s' for the network '%s'",
				 n->bridge, n->name);
	if (!n->foreign_bridge && if_nametoindex(n->bridge))
		return keel_fail(&k->err, EEXIST, "there is an interface '%s' already, which is to be the bridge of the "
				 "network '%s'", n->bridge, n->name);
	if (n->kind == NET_VLAN && if_nametoindex(link))
		return keel_fail(&k->err, EEXIST, "there is an interface '%s' already", link);
	if (n->uplink[0] && !if_nametoindex(n->uplink))
		return keel_fail(&k->err, ENODEV, "there is no interface '%s' for the uplink of the network '%s'",
				 n->uplink, n->name);
	if (n->kind == NET_BRIDGE && n->uplink[0] && in_sysfs(n->uplink, "master"))
		return keel_fail(&k->err, EBUSY, "the uplink %s is a port of a bridge already", n->uplink);
	if (access(net_nft, X_OK) && (net_is_routed(n) || !n->spoofing))
		return keel_fail_errno(&k->err, "cannot run %s (the package nftables has it)", net_nft);
	if (access(net_dnsmasq, X_OK) && net_is_routed(n))
		return keel_fail_errno(&k->err, "cannot run %s (the package dnsmasq-base has it)", net_dnsmasq);
	return check_addresses(k, n);
}

static int link_failed(struct keel *k, int rc, const char *what, const char *name)
{
	return rc ? keel_fail(&k->err, -rc, "cannot %s %s: %s", what, name, strerror(-rc)) : 0;
}

static int add_gateway(struct keel *k, const struct net *n, const struct net_subnet *s, int family)
{
	unsigned char address[16];

	if (!s->length)
		return 0;
	net_gateway(s, family, address);
	return link_failed(k, link_add_address(n->bridge, family, address, s->length),
			   "give Dom0 its address on", n->bridge);
}

/* Dom0 takes nobody's word for routes here, and speaks only what the network does. */
static int give_addresses(struct keel *k, const struct net *n)
{
	int rc;

	sysfs_write("0", "%s/ipv6/conf/%s/accept_ra", net_proc, n->bridge);
	sysfs_write("0", "%s/ipv6/conf/%s/accept_dad", net_proc, n->bridge);
	if (!n->v6.length)
		sysfs_write("1", "%s/ipv6/conf/%s/disable_ipv6", net_proc, n->bridge);
	rc = add_gateway(k, n, &n->v4, AF_INET);
	return rc ? rc : add_gateway(k, n, &n->v6, AF_INET6);
}

/* The bridge is there: what is to be in it. */
static int connect_bridge(struct keel *k, const struct net *n)
{
	char link[16];
	const char *port = n->uplink;
	int rc = 0;

	if (n->kind == NET_VLAN) {
		vlan_link(n, link);
		port = link;
		rc = link_failed(k, link_add_vlan(link, n->uplink, n->vlan), "make the VLAN's interface", link);
		if (!rc)
			rc = link_failed(k, link_up(n->uplink), "bring up", n->uplink);
	}
	if (!rc && *port)
		rc = link_failed(k, link_set_master(port, n->bridge),
				 "put into the network's bridge the interface", port);
	if (!rc && *port)
		rc = link_failed(k, link_up(port), "bring up", port);
	if (!rc && net_is_routed(n))
		rc = give_addresses(k, n);
	return rc ? rc : link_failed(k, link_up(n->bridge), "bring up", n->bridge);
}

static int make_bridge(struct keel *k, const struct net *n)
{
	unsigned char mac[6];

	net_bridge_mac(n, mac);
	return link_failed(k, link_add_bridge(n->bridge, net_is_routed(n) ? mac : NULL, n->mtu),
			   "make the bridge", n->bridge);
}

/* dnsmasq reads them as a user of its own. */
static int write_public(struct keel *k, const struct net *n, const char *file, char *text)
{
	char path[NET_PATH_MAX];
	int rc;

	if (!text)
		return keel_fail(&k->err, ENOMEM, "no memory");
	net_path(path, n->name, file);
	rc = keel_replace_file(k, path, text, 0644);
	free(text);
	return rc;
}

static int write_lists(struct keel *k, const struct net *n)
{
	char *hosts = NULL, *leases = NULL;
	struct net_vif *vifs;
	size_t size;
	int nr = net_vifs(k, n->name, &vifs), rc;
	FILE *f;

	if (nr < 0)
		return nr;
	f = open_memstream(&hosts, &size);
	if (f) {
		net_rules_hosts(f, vifs, nr);
		fclose(f);
	}
	f = open_memstream(&leases, &size);
	if (f) {
		net_rules_leases(f, vifs, nr);
		fclose(f);
	}
	free(vifs);
	rc = write_public(k, n, "hosts", hosts);
	if (rc)
		free(leases);
	return rc ? rc : write_public(k, n, "dhcp-hosts", leases);
}

/* Its process, or 0: the number in the file may be another's by now. */
static pid_t find_dnsmasq(const struct net *n)
{
	char path[NET_PATH_MAX], text[1024] = "", conf[NET_PATH_MAX];
	pid_t pid = 0;
	size_t size;
	FILE *f;

	net_path(path, n->name, "dnsmasq.pid");
	net_path(conf, n->name, "dnsmasq.conf");
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	if (pid <= 1)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	size = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	return memmem(text, size, conf, strlen(conf)) ? pid : 0;
}

int net_tell_dnsmasq(struct keel *k, const struct net *n)
{
	pid_t pid = find_dnsmasq(n);
	int rc = net_is_routed(n) ? write_lists(k, n) : 0;

	if (!rc && pid)
		kill(pid, SIGHUP);
	return rc;
}

/* It goes into the background by itself when it serves. */
static int start_dnsmasq(struct keel *k, const struct net *n)
{
	char dir[NET_PATH_MAX], option[NET_PATH_MAX + 32], *text = NULL;
	const char *const argv[] = { net_dnsmasq, option, NULL };
	size_t size;
	FILE *f;
	int rc = write_lists(k, n);

	if (rc || find_dnsmasq(n))
		return rc;
	net_path(dir, n->name, NULL);
	f = open_memstream(&text, &size);
	if (f) {
		net_rules_dnsmasq(f, n, dir);
		fclose(f);
	}
	rc = write_public(k, n, "dnsmasq.conf", text);
	snprintf(option, sizeof(option), "--conf-file=%s/dnsmasq.conf", dir);
	return rc ? rc : program_run(k, argv, "dnsmasq-base", "");
}

static void stop_dnsmasq(const struct net *n)
{
	pid_t pid = find_dnsmasq(n);

	for (unsigned int tries = 0; pid && tries < 300; tries++) {
		kill(pid, tries < 200 ? SIGTERM : SIGKILL);
		usleep(10000);
		pid = find_dnsmasq(n);
	}
}

static int make_rules(struct keel *k, const struct net *n)
{
	struct net_vif *vifs;
	char *text = NULL;
	size_t size;
	int nr = net_vifs(k, n->name, &vifs);
	FILE *f;

	if (nr < 0)
		return nr;
	f = open_memstream(&text, &size);
	if (f) {
		net_rules_make(f, n, vifs, nr);
		fclose(f);
	}
	free(vifs);
	return net_nft_run(k, text);
}

/* Those that were in it when it was stopped, behind their rules. */
static int join_again(struct keel *k, const struct net *n)
{
	struct net_vif *vifs;
	int nr = net_vifs(k, n->name, &vifs), rc = nr < 0 ? nr : 0;

	for (int i = 0; i < nr && !rc; i++)
		rc = link_failed(k, link_set_master(vifs[i].interface, n->bridge),
				 "put into the network's bridge the interface", vifs[i].interface);
	if (nr >= 0)
		free(vifs);
	return rc;
}

/* What one that runs may have lost meanwhile. */
static int make_services(struct keel *k, const struct net *n)
{
	int rc = net_is_routed(n) || !n->spoofing ? make_rules(k, n) : 0;

	if (!rc && net_is_routed(n))
		rc = start_dnsmasq(k, n);
	if (!rc && n->kind == NET_NAT)
		rc = net_forward_on(k, n);
	return rc ? rc : join_again(k, n);
}

static int mark_up(struct keel *k, const struct net *n)
{
	char path[NET_PATH_MAX];

	net_path(path, n->name, "up");
	if (keel_write_file(path, net_kind_name(n->kind)))
		return 0;
	return keel_fail_errno(&k->err, "cannot write %s", path);
}

static void unmark(const struct net *n)
{
	char path[NET_PATH_MAX];

	net_path(path, n->name, "up");
	unlink(path);
}

static void remove_files(const struct net *n)
{
	char path[NET_PATH_MAX];

	for (size_t i = 0; i < NR_FILES; i++) {
		net_path(path, n->name, files[i]);
		unlink(path);
	}
	/* Both are there as long as interfaces have files. */
	net_path(path, n->name, "vifs");
	rmdir(path);
	net_path(path, n->name, NULL);
	rmdir(path);
}

int net_up(struct keel *k, const struct net *n)
{
	char vifs[NET_PATH_MAX];
	struct keel_error why;
	int rc;

	if (net_is_up(n->name) && if_nametoindex(n->bridge))
		return make_services(k, n);
	rc = net_check(k, n);
	net_path(vifs, n->name, "vifs");
	if (!rc)
		rc = keel_make_dirs(k, vifs);
	if (rc)
		return rc;
	rc = n->foreign_bridge ? 0 : make_bridge(k, n);
	if (rc) {
		remove_files(n);
		return rc;
	}
	rc = mark_up(k, n);
	if (!rc && !n->foreign_bridge)
		rc = connect_bridge(k, n);
	if (!rc)
		rc = make_services(k, n);
	if (rc) {
		why = k->err;
		net_down(k, n);
		k->err = why;
	}
	return rc;
}

void net_down(struct keel *k, const struct net *n)
{
	char link[16], *text = NULL;
	size_t size;
	FILE *f;

	stop_dnsmasq(n);
	if (n->kind == NET_BRIDGE && n->uplink[0])
		link_set_master(n->uplink, NULL);
	vlan_link(n, link);
	if (n->kind == NET_VLAN)
		link_delete(link);
	if (!n->foreign_bridge)
		link_delete(n->bridge);
	/* Last, so that nothing passes without them. */
	f = open_memstream(&text, &size);
	if (f) {
		net_rules_delete(f, n);
		fclose(f);
	}
	if (net_is_routed(n) || !n->spoofing)
		net_nft_run(k, text);
	else
		free(text);
	unmark(n);
	net_forward_off(k);
	remove_files(n);
}
