/* SPDX-License-Identifier: GPL-2.0-only */
/* The entries of `vif`: xl-network-configuration(5). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest_internal.h"

char *guest_next_word(char **p)
{
	char *word = *p, *end;

	if (!word)
		return NULL;
	end = strchr(word, ',');
	*p = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	while (isspace((unsigned char)*word))
		word++;
	end = word + strlen(word);
	while (end > word && isspace((unsigned char)end[-1]))
		*--end = 0;
	return word;
}

void guest_no_effect(guest_warn_fn *warn, void *arg, const char *kind, const char *option)
{
	char text[128];

	if (!warn)
		return;
	snprintf(text, sizeof(text), "the %s option '%.40s' has no effect here", kind, option);
	warn(arg, text);
}

static int parse_mac(struct guest_vif *v, const char *value, struct keel_error *e)
{
	if (guest_mac_parse(value, v->mac))
		return keel_fail(e, EINVAL, "mac '%s' is not six bytes like 00:16:3e:12:34:56", value);
	if (v->mac[0] & 1)
		return keel_fail(e, EINVAL, "mac '%s' is a multicast address; its first byte must be "
				 "even", value);
	v->has_mac = true;
	return 0;
}

static int interface_name(char out[16], const char *what, const char *value,
			  struct keel_error *e)
{
	if (!*value || strlen(value) > 15 || strpbrk(value, "/ \t"))
		return keel_fail(e, EINVAL, "%s '%s' is no name of an interface (1 to 15 characters, no "
				 "slash or blank)", what, value);
	strcpy(out, value);
	return 0;
}

/*
 * digits[KMG](b|B)/s[@digits[u|m][s]], as libxlutil takes it: so many bits or bytes, shared out
 * over intervals.
 */
int guest_parse_rate(struct guest_vif *v, const char *rate, struct keel_error *e)
{
	uint64_t n, scale = 1, interval = 50000, unit = 1000000;
	const char *p = rate;
	char *end;
	bool bits;

	errno = 0;
	n = strtoull(p, &end, 10);
	if (end == p || !isdigit((unsigned char)*p) || errno)
		goto bad;
	p = end;
	if (*p == 'K' || *p == 'M' || *p == 'G')
		scale = *p == 'K' ? 1000 : *p == 'M' ? 1000000 : 1000000000, p++;
	bits = *p == 'b';
	if ((*p != 'b' && *p != 'B') || p[1] != '/' || p[2] != 's')
		goto bad;
	p += 3;
	if (*p == '@') {
		interval = strtoull(++p, &end, 10);
		if (end == p || !isdigit((unsigned char)*p) || errno)
			goto bad;
		p = end;
		if (*p == 'm' || *p == 'u')
			unit = *p++ == 'm' ? 1000 : 1;
		p += *p == 's';
		if (interval > UINT32_MAX / unit)
			goto bad;
		interval *= unit;
	}
	if (*p || strlen(rate) >= sizeof(v->rate) || n > UINT32_MAX || (bits && n * scale < 8))
		goto bad;
	n = n * scale / (bits ? 8 : 1);
	if (!interval || n > UINT64_MAX / interval || !(n * interval / 1000000))
		goto bad;
	v->rate_bytes = n * interval / 1000000;
	v->rate_us = interval;
	strcpy(v->rate, rate);
	return 0;
bad:
	return keel_fail(e, EINVAL,
			 "rate '%s' is not of the form 10Mb/s, 1MB/s or 100KB/s@20ms, with a byte at least in each "
			 "interval", rate);
}

static int vif_number(unsigned int *out, const char *what, const char *value, unsigned int min,
		      unsigned int max, struct keel_error *e)
{
	size_t n = strspn(value, "0123456789");

	if (!n || n > 5 || value[n] || strtoul(value, NULL, 10) < min || strtoul(value, NULL, 10) > max)
		return keel_fail(e, EINVAL, "%s '%s' is no number from %u to %u", what, value, min, max);
	*out = strtoul(value, NULL, 10);
	return 0;
}

static int copy_word(char *out, size_t size, const char *what, const char *value, const char *good,
		     struct keel_error *e)
{
	if (!*value || strlen(value) >= size || value[strspn(value, good)])
		return keel_fail(e, EINVAL, "%s '%s' is too long, or has characters that do not belong there",
				 what, value);
	strcpy(out, value);
	return 0;
}

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/* A name is in Xen's own folder of scripts. */
static int set_vif_script(struct guest_vif *v, const char *value, struct keel_error *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.+-";
	char path[sizeof(v->script)];

	if (snprintf(path, sizeof(path), "%s%s", *value == '/' ? "" : "/etc/xen/scripts/", value) >=
	    (int)sizeof(path))
		return keel_fail(e, EINVAL, "script '%s' is too long", value);
	return *value ? copy_word(v->script, sizeof(v->script), "script", path, good, e) : 0;
}

static int vif_other(char *word, const char *value, guest_warn_fn *warn, void *arg,
		     struct keel_error *e)
{
	static const char *const ignored[] = { "model", "type", "accel" };	/* of an emulated card */

	if (!strcmp(word, "backend")) {
		if (!strcmp(value, "0") || !strcmp(value, "Domain-0"))
			return 0;
		return keel_fail(e, EINVAL, "backend '%s': only Dom0 serves interfaces", value);
	}
	if (!strcmp(word, "trusted")) {
		if (!strcmp(value, "1"))
			return 0;
		return keel_fail(e, EINVAL, "the vif option 'trusted=%s' of xl is refused; "
				 "xen_netfront.trusted=0 on the guest's command line does it", value);
	}
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(word, ignored[i])) {
			if (strcmp(value, "vif"))
				guest_no_effect(warn, arg, "vif", word);
			return 0;
		}
	if (!strncmp(word, "colo", 4) || !strncmp(word, "filter_", 7) || !strncmp(word, "queue_", 6))
		return keel_fail(e, EINVAL, "the vif option '%s' of xl is refused: keel copies no running guests",
				 word);
	return keel_fail(e, EINVAL,
			 "unknown vif option '%s' (there are mac, network, bridge, vifname, devid, mtu, rate, ip, script, "
			 "gatewaydev)", word);
}

static int vif_word(struct guest_vif *v, char *word, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	char *value = strchr(word, '=');

	if (!value)
		return keel_fail(e, EINVAL, "'%s' in a vif is not of the form key=value", word);
	*value++ = 0;
	if (!strcmp(word, "mac"))
		return parse_mac(v, value, e);
	if (!strcmp(word, "network"))
		return copy_word(v->network, sizeof(v->network), word, value, name_characters, e);
	if (!strcmp(word, "bridge"))
		return interface_name(v->bridge, "bridge", value, e);
	if (!strcmp(word, "vifname"))
		return interface_name(v->name, "vifname", value, e);
	if (!strcmp(word, "gatewaydev") || !strcmp(word, "netdev"))
		return interface_name(v->gatewaydev, word, value, e);
	if (!strcmp(word, "devid"))
		return vif_number(&v->devid, word, value, 0, 255, e);
	if (!strcmp(word, "mtu"))
		return vif_number(&v->mtu, word, value, 68, 65535, e);
	if (!strcmp(word, "rate"))
		return guest_parse_rate(v, value, e);
	if (!strcmp(word, "ip"))
		return *value ? copy_word(v->ip, sizeof(v->ip), word, value, "0123456789abcdefABCDEF.:/ ", e) : 0;
	if (!strcmp(word, "script"))
		return set_vif_script(v, value, e);
	return vif_other(word, value, warn, arg, e);
}

/*
 * What the options make together. Addresses are a script's work, and xl's own script does it with
 * netfilter.
 */
static int vif_whole(struct guest_vif *v, guest_warn_fn *warn, void *arg, struct keel_error *e)
{
	if (v->network[0]) {
		if (v->bridge[0] || v->script[0] || v->gatewaydev[0])
			return keel_fail(e, EINVAL, "%s does not go with network=%s, which says where the interface belongs",
					 v->bridge[0] ? "bridge" : v->script[0] ? "script" : "gatewaydev", v->network);
		/* The name stands in the network's rules. */
		if (v->name[0] && v->name[strspn(v->name, name_characters)])
			return keel_fail(e, EINVAL, "vifname '%s' has characters that do not go with a network (letters, "
					 "digits, _ and - do)", v->name);
		return 0;
	}
	if (v->ip[0] && !v->script[0])
		strcpy(v->script, VIF_BRIDGE_SCRIPT);
	if (!strcmp(basename(v->script), "vif-bridge") && !v->ip[0])
		v->script[0] = 0;	/* keel does by itself what it would do */
	if (!v->bridge[0] && (!v->script[0] || !strcmp(basename(v->script), "vif-bridge")))
		strcpy(v->bridge, "xenbr0");
	if (v->gatewaydev[0] && !v->script[0]) {
		v->gatewaydev[0] = 0;
		guest_no_effect(warn, arg, "vif", "gatewaydev");
	}
	return 0;
}

int guest_parse_vif(struct guest_vif *v, const char *spec, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	char *copy = strdup(spec), *rest = copy, *word;
	int rc = 0;

	*v = (struct guest_vif){ .devid = VIF_ANY_DEVID };
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	while (!rc && (word = guest_next_word(&rest)))
		if (*word)
			rc = vif_word(v, word, warn, arg, e);
	free(copy);
	return rc ? rc : vif_whole(v, warn, arg, e);
}
