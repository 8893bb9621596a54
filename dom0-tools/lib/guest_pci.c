/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The entries of `pci`: a function's address, and settings of a virtual function of a network card.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"

#define VLAN_MAX	4094
#define RATE_MAX	1000000		/* Mbit/s */

void guest_pci_text(uint32_t sbdf, char out[16])
{
	snprintf(out, 16, "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff, sbdf >> 3 & 31, sbdf & 7);
}

static int parse_address(struct guest_pci *p, const char *spec, struct keel_error *e)
{
	unsigned int seg = 0, bus, dev, fn;
	int end = 0;

	/* sscanf() would take blanks and signs. */
	if (spec[strspn(spec, "0123456789abcdefABCDEF:.")])
		return keel_fail(e, EINVAL, "'%s' is no PCI function like 0000:01:00.1", spec);
	if (sscanf(spec, "%4x:%2x:%2x.%1x%n", &seg, &bus, &dev, &fn, &end) != 4 || spec[end]) {
		seg = end = 0;
		if (sscanf(spec, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || spec[end])
			return keel_fail(e, EINVAL, "'%s' is no PCI function like 0000:01:00.1", spec);
	}
	if (dev > 31 || fn > 7)
		return keel_fail(e, EINVAL, "'%s': a device is 00 to 1f, a function 0 to 7", spec);
	p->sbdf = seg << 16 | bus << 8 | dev << 3 | fn;
	return 0;
}

static int number(unsigned int *out, const char *what, const char *value, unsigned int max,
		  struct keel_error *e)
{
	size_t n = strspn(value, "0123456789");

	if (!n || n > 10 || value[n] || strtoul(value, NULL, 10) > max)
		return keel_fail(e, EINVAL, "%s '%s' is no number from 0 to %u", what, value, max);
	*out = strtoul(value, NULL, 10);
	return 0;
}

static int on_off(bool *out, const char *what, const char *value, struct keel_error *e)
{
	*out = !strcmp(value, "on");
	if (*out || !strcmp(value, "off"))
		return 0;
	return keel_fail(e, EINVAL, "%s '%s' is neither on nor off", what, value);
}

/* "5", or "5:3:88a8" with priority and protocol, which drivers tell. */
static int kept_vlan(struct vf_settings *v, const char *name, const char *value,
		     struct keel_error *e)
{
	unsigned int vlan, qos, proto;
	int end = 0;

	if (!strchr(value, ':'))
		return number(&v->vlan, name, value, UINT_MAX, e);
	if (value[strspn(value, "0123456789abcdef:")] ||
	    sscanf(value, "%9u:%9u:%4x%n", &vlan, &qos, &proto, &end) != 3 || value[end])
		return keel_fail(e, EINVAL, "%s '%s' is not of the form 5:3:88a8", name, value);
	v->vlan = vlan;
	v->vlan_qos = qos;
	v->vlan_proto = proto;
	return 0;
}

static int set_one(struct vf_settings *v, unsigned int which, const char *name, const char *value,
		   bool kept, struct keel_error *e)
{
	switch (which) {
	case VF_MAC:
		if (!guest_mac_parse(value, v->mac))
			return 0;
		return keel_fail(e, EINVAL, "mac '%s' is not six bytes like 00:16:3e:12:34:56", value);
	case VF_VLAN:
		return kept ? kept_vlan(v, name, value, e) : number(&v->vlan, name, value, VLAN_MAX, e);
	case VF_RATE:
		return number(&v->rate, name, value, kept ? UINT_MAX : RATE_MAX, e);
	case VF_TRUST:
		return on_off(&v->trust, name, value, e);
	default:
		return on_off(&v->spoofchk, name, value, e);
	}
}

static int one_setting(struct vf_settings *v, unsigned int which, const char *name,
		       const char *value, bool kept, struct keel_error *e)
{
	int rc;

	if (v->set & which)
		return keel_fail(e, EINVAL, "%s is there twice", name);
	rc = set_one(v, which, name, value, kept, e);
	if (!rc)
		v->set |= which;
	return rc;
}

/* word: NAME=VALUE, which is taken apart. @kept: as vf_settings_text() writes it. */
static int parse_word(struct vf_settings *v, char *word, bool kept, guest_warn_fn *warn, void *arg,
		      struct keel_error *e)
{
	static const char *const names[] = { "mac", "vlan", "rate", "trust", "spoofchk" };
	/* xl-pci-configuration(5) */
	static const char *const ignored[] = { "msitranslate", "power_mgmt", "permissive", "seize",
					       "rdm_policy", "name" };
	char text[64], *value = strchr(word, '=');

	if (!value)
		return keel_fail(e, EINVAL, "'%s' behind a PCI function is not of the form key=value", word);
	*value++ = 0;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(word, names[i]))
			return one_setting(v, 1u << i, word, value, kept, e);
	for (unsigned int i = 0; warn && i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(word, ignored[i])) {
			snprintf(text, sizeof(text), "the pci option %s has no effect here", word);
			warn(arg, text);
			return 0;
		}
	return keel_fail(e, EINVAL, "unknown pci option '%s' (there are mac, vlan, rate, trust, spoofchk)",
			 word);
}

static int parse_words(struct vf_settings *v, char *words, guest_warn_fn *warn, void *arg,
		       struct keel_error *e)
{
	char *word;
	int rc = 0;

	while (!rc && (word = strsep(&words, ",")))
		rc = parse_word(v, word + strspn(word, " "), false, warn, arg, e);
	return rc;
}

int guest_parse_pci(struct guest_pci *p, const char *spec, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	static const unsigned char none[6];
	char *copy = strdup(spec), *words = copy;
	int rc;

	*p = (struct guest_pci){ 0 };
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	rc = parse_address(p, strsep(&words, ","), e);
	if (!rc)
		rc = parse_words(&p->vf, words, warn, arg, e);
	if (!rc && p->vf.set & VF_MAC && (p->vf.mac[0] & 1 || !memcmp(p->vf.mac, none, 6)))
		rc = keel_fail(e, EINVAL,
			       "mac '%02x:%02x:%02x:%02x:%02x:%02x': a multicast address, and one of zeros, is no "
			       "interface's", p->vf.mac[0], p->vf.mac[1], p->vf.mac[2], p->vf.mac[3], p->vf.mac[4],
			       p->vf.mac[5]);
	free(copy);
	return rc;
}

int vf_settings_parse(struct vf_settings *v, const char *spec, struct keel_error *e)
{
	char *copy = strdup(spec), *words = copy, *word;
	struct keel_error more;
	int rc = 0, bad;

	*v = (struct vf_settings){ 0 };
	if (!copy)
		return keel_fail(e, ENOMEM, "no memory");
	while ((word = strsep(&words, ","))) {
		bad = parse_word(v, word, true, NULL, NULL, rc ? &more : e);
		if (bad)
			rc = bad;
	}
	free(copy);
	return rc;
}

void vf_settings_text(const struct vf_settings *v, char out[VF_SETTINGS_TEXT])
{
	char mac[18];
	int n = 0;

	guest_mac_text(v->mac, mac);
	out[0] = 0;
	if (v->set & VF_MAC)
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ",mac=%s", mac);
	if (v->set & VF_VLAN)
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ",vlan=%u", v->vlan);
	if (v->set & VF_VLAN && (v->vlan_qos || v->vlan_proto))
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ":%u:%04x", v->vlan_qos, v->vlan_proto & 0xffff);
	if (v->set & VF_RATE)
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ",rate=%u", v->rate);
	if (v->set & VF_TRUST)
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ",trust=%s", v->trust ? "on" : "off");
	if (v->set & VF_SPOOFCHK)
		n += snprintf(out + n, VF_SETTINGS_TEXT - n, ",spoofchk=%s", v->spoofchk ? "on" : "off");
	memmove(out, out + (n > 0), n > 0 ? n : 1);	/* not the first comma */
}
