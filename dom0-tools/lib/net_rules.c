/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/net_rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"

/* FNV-1a, 32 bits: the same addresses each time. */
static uint32_t hash(const void *data, size_t size)
{
	uint32_t h = 2166136261u;

	for (const unsigned char *p = data; size--; p++)
		h = (h ^ *p) * 16777619u;
	return h;
}

void net_bridge_mac(const struct net *n, unsigned char mac[6])
{
	uint32_t h = hash(n->name, strlen(n->name));

	mac[0] = 0x02;		/* locally administered */
	mac[1] = 0x6b;
	memcpy(mac + 2, &h, sizeof(h));
}

void net_gateway(const struct net_subnet *s, int family, unsigned char address[16])
{
	memcpy(address, s->base, 16);
	address[family == AF_INET ? 3 : 15] |= 1;
}

/* The modified EUI-64 identifier of RFC 4291, appendix A. */
static void put_eui64(unsigned char address[16], const unsigned char mac[6])
{
	memcpy(address + 8, mac, 3);
	address[8] ^= 2;
	address[11] = 0xff;
	address[12] = 0xfe;
	memcpy(address + 13, mac + 3, 3);
}

/* 01:02:03:04:05:06 and so on, for printf(). */
static const char *mac_text(const unsigned char mac[6], char out[18])
{
	guest_mac_text(mac, out);
	return out;
}

static const char *address_text(int family, const void *address, char out[INET6_ADDRSTRLEN])
{
	return inet_ntop(family, address, out, INET6_ADDRSTRLEN);
}

/* As a number, which is how nft compares bytes that it has no name for. */
static const char *hex_text(const unsigned char address[16], char out[INET6_ADDRSTRLEN])
{
	char *p = out + sprintf(out, "0x");

	for (int i = 0; i < 16; i++)
		p += sprintf(p, "%02x", address[i]);
	return out;
}

/* Dom0 itself forwards; only what belongs to the network, and only answers come back. */
static void make_forward(FILE *f, const struct net *n, const char *v4, const char *v6)
{
	fprintf(f, "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n"
		"\t\tiifname \"%s\" oifname \"%s\" accept\n", n->bridge, n->bridge);
	if (n->kind == NET_NAT) {
		fprintf(f, "\t\toifname \"%s\" ct state established,related accept\n", n->bridge);
		if (n->v4.length)
			fprintf(f, "\t\tiifname \"%s\" ip saddr %s accept\n", n->bridge, v4);
		if (n->v6.length)
			fprintf(f, "\t\tiifname \"%s\" ip6 saddr %s accept\n", n->bridge, v6);
	}
	fprintf(f, "\t\tiifname \"%s\" drop\n\t\toifname \"%s\" drop\n\t}\n", n->bridge, n->bridge);
}

static void make_routed(FILE *f, const struct net *n)
{
	char v4[NET_SUBNET_TEXT], v6[NET_SUBNET_TEXT];

	net_subnet_text(&n->v4, AF_INET, v4);
	net_subnet_text(&n->v6, AF_INET6, v6);
	fprintf(f, "table inet keel_%s {\n", n->name);
	make_forward(f, n, v4, v6);
	if (n->kind == NET_NAT) {
		fprintf(f, "\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
		if (n->v4.length)
			fprintf(f, "\t\toifname != \"%s\" ip saddr %s masquerade\n", n->bridge, v4);
		if (n->v6.length)
			fprintf(f, "\t\toifname != \"%s\" ip6 saddr %s masquerade\n", n->bridge, v6);
		fprintf(f, "\t}\n");
	}
	fprintf(f, "}\n");
}

/*
 * Only answers that say what is so: a gateway, a DHCP server or a neighbour that a guest makes up
 * would get other guests' packets. @th,64,128 is the target of a neighbour advertisement (RFC 4861,
 * section 4.4). A link-local address may be any but Dom0's, since guests choose theirs.
 */
static void make_v6_rules(FILE *f, const struct net *n, const struct net_vif *v, const char *at)
{
	unsigned char gateway[16] = { 0xfe, 0x80 }, mac[6];
	char own[INET6_ADDRSTRLEN], dom0[INET6_ADDRSTRLEN], number[INET6_ADDRSTRLEN];

	address_text(AF_INET6, v->v6, own);
	if (net_is_routed(n)) {
		net_bridge_mac(n, mac);
		put_eui64(gateway, mac);
		address_text(AF_INET6, gateway, dom0);
		fprintf(f, "%s ip6 saddr %s drop\n%s icmpv6 type nd-neighbor-advert @th,64,128 %s drop\n",
			at, dom0, at, hex_text(gateway, number));
		fprintf(f, "%s icmpv6 type { nd-router-advert, nd-redirect } drop\n%s udp sport 547 drop\n",
			at, at);
	}
	fprintf(f, "%s ip6 saddr != { ::, fe80::/10, %s } drop\n", at, own);
	fprintf(f, "%s icmpv6 type nd-neighbor-advert @th,64,128 != %s @th,64,10 != 0x3fa drop\n", at,
		hex_text(v->v6, number));
}

static void make_v4_rules(FILE *f, const struct net *n, const struct net_vif *v, const char *at)
{
	char own[INET6_ADDRSTRLEN];

	address_text(AF_INET, v->v4, own);
	fprintf(f, "%s ether type arp arp htype != 1 drop\n", at);
	fprintf(f, "%s arp saddr ip != { 0.0.0.0, %s } drop\n", at, own);
	if (net_is_routed(n))
		fprintf(f, "%s udp sport 67 drop\n", at);
	fprintf(f, "%s ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept\n", at);
	fprintf(f, "%s ip saddr != %s drop\n", at, own);
}

/* The rules of one interface, where there is a chain for them already. */
static void make_vif_rules(FILE *f, const struct net *n, const struct net_vif *v)
{
	char at[96], mac[18];

	snprintf(at, sizeof(at), "add rule bridge keel_%s vif%u.%u", n->name, v->domid, v->devid);
	mac_text(v->mac, mac);
	fprintf(f, "%s ether saddr != %s drop\n%s arp saddr ether != %s drop\n", at, mac, at, mac);
	if (!v->has_v4 && !v->has_v6 && !net_is_routed(n))
		return;		/* nobody told which addresses it has */
	/* No other protocol, and no tag that would hide one. */
	fprintf(f, "%s ether type != { %s%s%s } drop\n", at, v->has_v4 ? "arp, ip" : "",
		v->has_v4 && v->has_v6 ? ", " : "", v->has_v6 ? "ip6" : "");
	if (v->has_v4)
		make_v4_rules(f, n, v, at);
	if (v->has_v6)
		make_v6_rules(f, n, v, at);
}

void net_rules_add_vif(FILE *f, const struct net *n, const struct net_vif *v)
{
	fprintf(f, "add chain bridge keel_%s vif%u.%u\nflush chain bridge keel_%s vif%u.%u\n",
		n->name, v->domid, v->devid, n->name, v->domid, v->devid);
	make_vif_rules(f, n, v);
	fprintf(f, "add element bridge keel_%s vifs { \"%s\" : goto vif%u.%u }\n",
		n->name, v->interface, v->domid, v->devid);
}

void net_rules_remove_vif(FILE *f, const struct net *n, const struct net_vif *v)
{
	fprintf(f, "delete element bridge keel_%s vifs { \"%s\" }\nflush chain bridge keel_%s vif%u.%u\n"
		"delete chain bridge keel_%s vif%u.%u\n", n->name, v->interface, n->name, v->domid, v->devid,
		n->name, v->domid, v->devid);
}

void net_rules_delete(FILE *f, const struct net *n)
{
	if (net_is_routed(n))
		fprintf(f, "table inet keel_%s\ndelete table inet keel_%s\n", n->name, n->name);
	fprintf(f, "table bridge keel_%s\ndelete table bridge keel_%s\n", n->name, n->name);
}

void net_rules_make(FILE *f, const struct net *n, const struct net_vif *vifs, unsigned int nr)
{
	net_rules_delete(f, n);
	if (net_is_routed(n))
		make_routed(f, n);
	if (n->spoofing)
		return;
	fprintf(f, "table bridge keel_%s {\n\tmap vifs {\n\t\ttype ifname : verdict\n\t}\n\tchain from_guests {\n"
		"\t\ttype filter hook prerouting priority -300; policy accept;\n\t\tiifname vmap @vifs\n\t}\n}\n",
		n->name);
	for (unsigned int i = 0; i < nr; i++)
		net_rules_add_vif(f, n, &vifs[i]);
}

static void dnsmasq_v4(FILE *f, const struct net *n)
{
	struct in_addr mask = { htonl(~0u << (32 - n->v4.length)) };
	char base[INET6_ADDRSTRLEN];

	address_text(AF_INET, n->v4.base, base);
	fprintf(f, "dhcp-range=%s,static,%s,12h\n", base, inet_ntoa(mask));
	if (n->kind == NET_HOST_ONLY)
		fprintf(f, "dhcp-option=option:router\n");	/* none */
	if (n->mtu)
		fprintf(f, "dhcp-option=option:mtu,%u\n", n->mtu);
}

static void dnsmasq_v6(FILE *f, const struct net *n)
{
	char base[INET6_ADDRSTRLEN];

	address_text(AF_INET6, n->v6.base, base);
	fprintf(f, "dhcp-range=%s,static,64,12h\nenable-ra\n", base);
	if (n->kind == NET_HOST_ONLY)
		fprintf(f, "ra-param=%s,0,0\n", n->bridge);	/* no router */
}

void net_rules_dnsmasq(FILE *f, const struct net *n, const char *dir)
{
	fprintf(f, "interface=%s\nexcept-interface=lo\nbind-dynamic\nno-hosts\nno-poll\n"
		"addn-hosts=%s/hosts\ndhcp-hostsfile=%s/dhcp-hosts\ndhcp-leasefile=%s/leases\n"
		"pid-file=%s/dnsmasq.pid\ndhcp-authoritative\ndhcp-ignore-names\ndomain-needed\nbogus-priv\n"
		"expand-hosts\ndomain=%s.internal\nlocal=/%s.internal/\n", n->bridge, dir, dir, dir, dir, n->name,
		n->name);
	if (n->kind == NET_HOST_ONLY)
		fprintf(f, "no-resolv\n");	/* DNS would be a way out */
	if (n->v4.length)
		dnsmasq_v4(f, n);
	if (n->v6.length)
		dnsmasq_v6(f, n);
}

void net_rules_hosts(FILE *f, const struct net_vif *vifs, unsigned int nr)
{
	char text[INET6_ADDRSTRLEN];

	for (const struct net_vif *v = vifs; v < vifs + nr; v++) {
		if (v->host[0] && v->has_v4)
			fprintf(f, "%s %s\n", address_text(AF_INET, v->v4, text), v->host);
		if (v->host[0] && v->has_v6)
			fprintf(f, "%s %s\n", address_text(AF_INET6, v->v6, text), v->host);
	}
}

void net_rules_leases(FILE *f, const struct net_vif *vifs, unsigned int nr)
{
	char mac[18], text[INET6_ADDRSTRLEN];

	for (const struct net_vif *v = vifs; v < vifs + nr; v++) {
		fprintf(f, "%s", mac_text(v->mac, mac));
		if (v->has_v4)
			fprintf(f, ",%s", address_text(AF_INET, v->v4, text));
		if (v->has_v6)
			fprintf(f, ",[%s]", address_text(AF_INET6, v->v6, text));
		fprintf(f, "\n");
	}
}

static bool is_taken(const struct net_vif *v, const struct net_vif *others, unsigned int nr)
{
	for (const struct net_vif *o = others; o < others + nr; o++)
		if ((v->has_v4 && o->has_v4 && !memcmp(v->v4, o->v4, 4)) ||
		    (v->has_v6 && o->has_v6 && !memcmp(v->v6, o->v6, 16)))
			return true;
	return false;
}

/* From .mac; one after the other, where that is taken. All but the base, Dom0's and broadcast. */
static int choose_v4(const struct net *n, struct net_vif *v, const struct net_vif *others,
		     unsigned int nr, struct keel_error *e)
{
	uint32_t room = (1u << (32 - n->v4.length)) - 3, base, address, first = hash(v->mac, 6) % room;

	memcpy(&base, n->v4.base, 4);
	v->has_v4 = true;
	for (uint32_t i = 0; i < room && i <= nr; i++) {
		address = htonl(ntohl(base) + 2 + (first + i) % room);
		memcpy(v->v4, &address, 4);
		if (!is_taken(v, others, nr))
			return 0;
	}
	return keel_fail(e, ENOSPC, "the network '%s' has no IPv4 address left", n->name);
}

/* In a subnet, neither the base, Dom0's nor everybody's. */
static bool is_usable(const struct net_subnet *s, int family, const unsigned char *address)
{
	unsigned char gateway[16];
	uint32_t word;

	net_gateway(s, family, gateway);
	if (!net_subnet_has(s, address) || !memcmp(address, s->base, family == AF_INET ? 4 : 16) ||
	    !memcmp(address, gateway, family == AF_INET ? 4 : 16))
		return false;
	memcpy(&word, address, 4);
	return family != AF_INET || ~ntohl(word) << s->length;
}

static int take_word(const struct net *n, struct net_vif *v, char *word, struct keel_error *e)
{
	int family = strchr(word, ':') ? AF_INET6 : AF_INET;
	const struct net_subnet *s = family == AF_INET ? &n->v4 : &n->v6;
	bool *has = family == AF_INET ? &v->has_v4 : &v->has_v6;
	unsigned char *out = family == AF_INET ? v->v4 : v->v6;

	if (inet_pton(family, word, out) != 1)
		return keel_fail(e, EINVAL, "ip '%s' is no address that a guest can have in a network", word);
	if (*has)
		return keel_fail(e, EINVAL, "ip has two addresses of one protocol, the second one '%s'", word);
	if (net_is_routed(n) && !is_usable(s, family, out))
		return keel_fail(e, EINVAL, "ip '%s' is no address for a guest in the network '%s'",
				 word, n->name);
	*has = true;
	return 0;
}

int net_choose(const struct net *n, struct net_vif *v, const char *ip, const struct net_vif *others,
	       unsigned int nr, struct keel_error *e)
{
	char copy[256], *rest = copy, *word;
	int rc = 0;

	v->has_v4 = v->has_v6 = false;
	snprintf(copy, sizeof(copy), "%s", ip);
	while (!rc && (word = strsep(&rest, " ")))
		if (*word)
			rc = take_word(n, v, word, e);
	if (!rc && is_taken(v, others, nr))
		rc = keel_fail(e, EEXIST, "an address of ip '%s' is another guest's in the network '%s'",
			       ip, n->name);
	if (!rc && n->v6.length && !v->has_v6) {
		memcpy(v->v6, n->v6.base, 8);
		put_eui64(v->v6, v->mac);
		v->has_v6 = true;
		if (is_taken(v, others, nr))
			rc = keel_fail(e, EEXIST, "another interface in the network '%s' has the same MAC address",
				       n->name);
	}
	if (!rc && n->v4.length && !v->has_v4)
		rc = choose_v4(n, v, others, nr, e);
	return rc;
}

void net_host(char out[64], const char *guest)
{
	size_t n = 0;

	for (; *guest && n < 63; guest++) {
		bool plain = isascii((unsigned char)*guest) && isalnum((unsigned char)*guest);

		if (plain || n)
			out[n++] = plain ? tolower((unsigned char)*guest) : '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = 0;
}
