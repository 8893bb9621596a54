/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/net_define.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/sysfs.h"


const char *net_define_dir = "/etc/keel/networks";

static const char *const kinds[] = {
	[NET_NONE] = "", [NET_BRIDGE] = "bridge", [NET_NAT] = "nat", [NET_HOST_ONLY] = "host-only",
	[NET_VLAN] = "vlan",
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *net_kind_name(enum net_kind kind)
{
	return kinds[kind];
}

/* Names stand in nftables' rules, in dnsmasq's configuration, and in names of files. */
static bool is_word(const char *text, size_t max, const char *others)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = strlen(text);

	if (!n || n > max || !strchr(letters, *text))
		return false;
	while (*text && (strchr(letters, *text) || strchr(others, *text)))
		text++;
	return !*text;
}

int net_name_check(const char *name, struct keel_error *e)
{
	if (is_word(name, NET_NAME_MAX, "-_"))
		return 0;
	return keel_fail(e, EINVAL, "'%s' is no name of a network (1 to %d letters, digits, - and _, the "
			 "first a letter or digit)", name, NET_NAME_MAX);
}

static int set_kind(struct net *n, const char *value, struct keel_error *e)
{
	for (size_t i = 1; i < NR_KINDS; i++)
		if (!strcmp(value, kinds[i])) {
			n->kind = i;
			return 0;
		}
	return keel_fail(e, EINVAL, "kind '%s' is none of bridge, nat, host-only and vlan", value);
}

static int set_interface(char out[16], const char *key, const char *value, struct keel_error *e)
{
	if (!is_word(value, 15, "-_."))
		return keel_fail(e, EINVAL, "%s '%s' is no name of an interface (1 to 15 letters, digits, -, _ "
				 "and .)", key, value);
	strcpy(out, value);
	return 0;
}

static int set_number(unsigned int *out, const char *key, const char *value, unsigned int min,
		      unsigned int max, struct keel_error *e)
{
	size_t digits = strspn(value, "0123456789");

	*out = digits && digits < 6 && !value[digits] ? strtoul(value, NULL, 10) : 0;
	if (*out >= min && *out <= max)
		return 0;
	return keel_fail(e, EINVAL, "%s '%s' is no number from %u to %u", key, value, min, max);
}

/* Whether the bits behind the first @length are 0. */
static bool is_base(const unsigned char *base, unsigned int length, unsigned int bytes)
{
	for (unsigned int bit = length; bit < bytes * 8; bit++)
		if (base[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

/* Guests' own: not this machine's, nobody's, or everybody's. */
static bool is_unicast(const unsigned char *base, int family)
{
	if (family == AF_INET)
		return base[0] && base[0] != 127 && base[0] < 224;
	return base[0] >> 5 == 1 || base[0] >> 1 == 0xfc >> 1;
}

static int set_subnet(struct net_subnet *s, int family, const char *value, struct keel_error *e)
{
	unsigned int min = family == AF_INET ? 8 : 64, max = family == AF_INET ? 29 : 64;
	const char *slash = strchr(value, '/');
	char address[INET6_ADDRSTRLEN];
	struct net_subnet new = { 0 };

	if (!slash || slash - value >= (int)sizeof(address))
		goto bad;
	memcpy(address, value, slash - value);
	address[slash - value] = 0;
	if (inet_pton(family, address, new.base) != 1 ||
	    set_number(&new.length, "length", slash + 1, min, max, e) ||
	    !is_base(new.base, new.length, family == AF_INET ? 4 : 16) || !is_unicast(new.base, family))
		goto bad;
	*s = new;
	return 0;
bad:
	if (family == AF_INET)
		return keel_fail(e, EINVAL, "ipv4 '%s' is no subnet like 10.77.0.0/24 (length 8 to 29, and 0 behind "
				 "it)", value);
	return keel_fail(e, EINVAL, "ipv6 '%s' is no subnet like fd77::/64 (fc00::/7 or 2000::/3, length 64, and "
			 "0 behind it)", value);
}

static int set_spoofing(struct net *n, const char *value, struct keel_error *e)
{
	n->spoofing = !strcmp(value, "true");
	if (n->spoofing || !strcmp(value, "false"))
		return 0;
	return keel_fail(e, EINVAL, "spoofing '%s' is neither true nor false", value);
}

int net_set(struct net *n, const char *key, const char *value, struct keel_error *e)
{
	if (!strcmp(key, "kind"))
		return set_kind(n, value, e);
	if (!strcmp(key, "uplink"))
		return set_interface(n->uplink, key, value, e);
	if (!strcmp(key, "bridge"))
		return set_interface(n->bridge, key, value, e);
	if (!strcmp(key, "vlan"))
		return set_number(&n->vlan, key, value, 1, 4094, e);
	if (!strcmp(key, "mtu"))
		return set_number(&n->mtu, key, value, 1280, 65535, e);
	if (!strcmp(key, "ipv4"))
		return set_subnet(&n->v4, AF_INET, value, e);
	if (!strcmp(key, "ipv6"))
		return set_subnet(&n->v6, AF_INET6, value, e);
	if (!strcmp(key, "spoofing"))
		return set_spoofing(n, value, e);
	return keel_fail(e, EINVAL, "a network has no setting '%s' (there are kind, uplink, bridge, vlan, mtu, "
			 "ipv4, ipv6, spoofing)", key);
}

static int foreign(const struct net *n, const char *key, struct keel_error *e)
{
	return keel_fail(e, EINVAL, "a %s network has no %s", net_kind_name(n->kind), key);
}

int net_whole(struct net *n, struct keel_error *e)
{
	bool routed = net_is_routed(n);

	if (n->kind == NET_NONE)
		return keel_fail(e, EINVAL, "the network has no kind (bridge, nat, host-only or vlan)");
	if (routed && !n->v4.length && !n->v6.length)
		return keel_fail(e, EINVAL, "a %s network needs a subnet: ipv4 (10.77.0.0/24), ipv6 (fd77::/64) or "
				 "both", net_kind_name(n->kind));
	if (!routed && (n->v4.length || n->v6.length))
		return foreign(n, "subnet: addresses are the uplink's matter", e);
	if (routed && n->uplink[0])
		return foreign(n, "uplink: Dom0's routes say where its packets go", e);
	if (n->kind != NET_BRIDGE && n->bridge[0])
		return foreign(n, "bridge of somebody else", e);
	if (n->kind != NET_VLAN && n->vlan)
		return foreign(n, "tag", e);
	if (n->kind == NET_VLAN && (!n->vlan || !n->uplink[0]))
		return keel_fail(e, EINVAL, "a vlan network needs an uplink and its tag there (vlan)");
	if (n->kind == NET_BRIDGE && !n->bridge[0] == !n->uplink[0])
		return keel_fail(e, EINVAL, "a bridge network needs either a bridge that is there (bridge) or an "
				 "interface to put into one of its own (uplink)");
	n->foreign_bridge = n->bridge[0];
	if (!n->foreign_bridge)
		snprintf(n->bridge, sizeof(n->bridge), "br-%s", n->name);
	return 0;
}

void net_subnet_text(const struct net_subnet *s, int family, char out[NET_SUBNET_TEXT])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(family, s->base, address, sizeof(address));
	snprintf(out, NET_SUBNET_TEXT, "%s/%u", address, s->length);
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

bool net_subnet_has(const struct net_subnet *s, const void *address)
{
	return s->length && same_bits(s->base, address, s->length);
}

struct json_object *net_to_json(const struct net *n)
{
	struct json_object *j = json_object_new_object();
	char text[NET_SUBNET_TEXT];

	json_object_object_add(j, "name", json_object_new_string(n->name));
	json_object_object_add(j, "kind", json_object_new_string(net_kind_name(n->kind)));
	if (n->uplink[0])
		json_object_object_add(j, "uplink", json_object_new_string(n->uplink));
	if (n->foreign_bridge)
		json_object_object_add(j, "bridge", json_object_new_string(n->bridge));
	if (n->vlan)
		json_object_object_add(j, "vlan", json_object_new_int(n->vlan));
	if (n->mtu)
		json_object_object_add(j, "mtu", json_object_new_int(n->mtu));
	if (n->v4.length) {
		net_subnet_text(&n->v4, AF_INET, text);
		json_object_object_add(j, "ipv4", json_object_new_string(text));
	}
	if (n->v6.length) {
		net_subnet_text(&n->v6, AF_INET6, text);
		json_object_object_add(j, "ipv6", json_object_new_string(text));
	}
	if (n->spoofing)
		json_object_object_add(j, "spoofing", json_object_new_boolean(true));
	return j;
}

static void path_of(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s.json", net_define_dir, name);
}

static int from_json(struct net *n, const char *name, struct json_object *j, struct keel_error *e)
{
	if (!json_object_is_type(j, json_type_object))
		return keel_fail(e, EINVAL, "the file is no object of JSON");
	json_object_object_foreach(j, key, val) {
		const char *text = json_object_get_string(val);
		int rc;

		if (!text)
			return keel_fail(e, EINVAL, "'%s' is null", key);
		rc = strcmp(key, "name") ? net_set(n, key, text, e) : strcmp(text, name) ?
		     keel_fail(e, EINVAL, "the name in it, '%s', is not the file's", text) : 0;
		if (rc)
			return rc;
	}
	return net_whole(n, e);
}

int net_read(struct keel *k, const char *name, struct net *n)
{
	char path[PATH_MAX];
	struct keel_error why;
	struct json_object *j;
	int rc;

	*n = (struct net){ 0 };
	rc = net_name_check(name, &k->err);
	if (rc)
		return rc;
	path_of(path, name);
	if (access(path, F_OK))
		return keel_fail(&k->err, ENOENT, "there is no network '%s' (`keel network list` shows all)",
				 name);
	strcpy(n->name, name);
	j = json_object_from_file(path);
	rc = j ? from_json(n, name, j, &why) : keel_fail(&why, EINVAL, "the file is not JSON");
	json_object_put(j);
	return rc ? keel_fail(&k->err, -rc, "%s: %s", path, why.text) : 0;
}

int net_write(struct keel *k, const struct net *n)
{
	char path[PATH_MAX];
	struct json_object *j;
	int rc = keel_make_dirs(k, net_define_dir);

	if (rc)
		return rc;
	path_of(path, n->name);
	j = net_to_json(n);
	rc = keel_replace_file(k, path, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
								       JSON_C_TO_STRING_NOSLASHESCAPE), 0600);
	json_object_put(j);
	return rc;
}

int net_remove(struct keel *k, const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	if (unlink(path))
		return keel_fail_errno(&k->err, "cannot remove %s", path);
	rmdir(net_define_dir);	/* if that was the last */
	return 0;
}

int net_names(struct keel *k, char ***names)
{
	return keel_list_json(k, net_define_dir, names);
}

static bool overlap(const struct net_subnet *a, const struct net_subnet *b)
{
	unsigned int bits = a->length < b->length ? a->length : b->length;

	return bits && same_bits(a->base, b->base, bits);
}

static const char *shared(const struct net *a, const struct net *b)
{
	if (overlap(&a->v4, &b->v4) || overlap(&a->v6, &b->v6))
		return "addresses";
	if (!strcmp(a->bridge, b->bridge))
		return "its bridge";
	if (a->kind == NET_VLAN ? a->vlan == b->vlan && !strcmp(a->uplink, b->uplink) :
	    a->kind == NET_BRIDGE && b->kind == NET_BRIDGE && a->uplink[0] &&
	    !strcmp(a->uplink, b->uplink))
		return "its uplink";
	return NULL;
}

int net_conflict(struct keel *k, const struct net *n)
{
	char **names = NULL;
	struct net other;
	const char *what;
	int count = net_names(k, &names), rc = count < 0 ? count : 0;

	for (int i = 0; i < count; i++) {
		if (!rc && strcmp(names[i], n->name) && !net_read(k, names[i], &other) &&
		    (what = shared(n, &other)))
			rc = keel_fail(&k->err, EEXIST, "the network '%s' would share %s with '%s'", n->name, what,
				       other.name);
		free(names[i]);
	}
	free(names);
	return rc;
}
