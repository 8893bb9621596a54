/* SPDX-License-Identifier: GPL-2.0-only */
/* What `keel install` was told, now or the last time, and what it finds by itself. */
#include "lib/payload_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/guest.h"
#include "lib/sysfs.h"

const char *keel_payload_settings = "/var/lib/keel/install.json";
const char *keel_proc_cmdline = "/proc/cmdline";
const char *keel_boot_dir = "/boot";

static const char *stored_text(const struct payload *p, const char *name)
{
	struct json_object *j = p->stored ? json_object_object_get(p->stored, name) : NULL;

	return json_object_is_type(j, json_type_string) ? json_object_get_string(j) : NULL;
}

/* The texts among the settings, and their names in the file. */
#define SETTINGS(p) {									\
	{ "kernel", &(p)->kernel }, { "initrd", &(p)->initrd },				\
	{ "hypervisor", &(p)->hypervisor }, { "options", &(p)->options },		\
	{ "dom0_options", &(p)->dom0_options }, { "esp", &(p)->esp }, { "sign", &(p)->sign }, \
}

bool payload_is_installed(void)
{
	return !access(keel_payload_settings, F_OK);
}

/* The comma of KEY,CERTIFICATE, or NULL if it is none. */
static const char *key_comma(const char *sign)
{
	const char *comma = sign ? strrchr(sign, ',') : NULL;

	return comma && comma != sign && comma[1] ? comma : NULL;
}

/* What is no KEY,CERTIFICATE is told later. */
static int absolute_key(struct keel *k, struct payload *p)
{
	const char *comma = key_comma(p->sign);
	int rc;

	if (!comma)
		return 0;
	rc = guest_absolute(&p->made[4], strndupa(p->sign, comma - p->sign), &k->err);
	if (!rc)
		rc = guest_absolute(&p->made[5], comma + 1, &k->err);
	if (rc)
		return rc;
	comma = p->made[4];
	if (asprintf(&p->made[4], "%s,%s", comma, p->made[5]) < 0)
		p->made[4] = NULL;
	free((char *)comma);
	p->sign = p->made[4];
	return p->sign ? 0 : keel_fail(&k->err, ENOMEM, "no memory");
}

static int make_absolute(struct keel *k, struct payload *p)
{
	const char **paths[] = { &p->kernel, &p->initrd, &p->hypervisor, &p->esp };
	int rc = absolute_key(k, p);

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) && !rc; i++) {
		if (!*paths[i] || !**paths[i])
			continue;
		rc = guest_absolute(&p->made[i], *paths[i], &k->err);
		*paths[i] = p->made[i];
	}
	return rc;
}

int payload_read(struct keel *k, struct payload *p)
{
	const struct { const char *name, **text; } settings[] = SETTINGS(p);
	int rc = make_absolute(k, p);
	struct json_object *timeout;

	if (rc || !payload_is_installed())
		return rc;
	p->stored = json_object_from_file(keel_payload_settings);
	if (!json_object_is_type(p->stored, json_type_object))
		return keel_fail(&k->err, EINVAL, "%s is damaged: remove it, and say all options again",
				 keel_payload_settings);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (!*settings[i].text)
			*settings[i].text = stored_text(p, settings[i].name);
	timeout = json_object_object_get(p->stored, "boot_timeout");
	if (p->boot_timeout < 0 && json_object_is_type(timeout, json_type_int))
		p->boot_timeout = json_object_get_int(timeout);
	return 0;
}

void payload_free(struct payload *p)
{
	json_object_put(p->stored);
	p->stored = NULL;
	for (size_t i = 0; i < sizeof(p->made) / sizeof(*p->made); i++)
		free(p->made[i]);
}

static int write_settings(struct keel *k, struct json_object *j)
{
	return keel_replace_file(k, keel_payload_settings,
				 json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY), 0600);
}

int payload_store(struct keel *k, const struct payload *p, const struct efi_image *i)
{
	const struct { const char *name; const char *const *text; } settings[] = SETTINGS(p);
	struct json_object *j = json_object_new_object();
	int rc;

	for (size_t n = 0; n < sizeof(settings) / sizeof(*settings); n++)
		if (*settings[n].text && **settings[n].text)
			json_object_object_add(j, settings[n].name, json_object_new_string(*settings[n].text));
	json_object_object_add(j, "dom0_options", json_object_new_string(i->dom0_options));
	if (p->boot_timeout >= 0)
		json_object_object_add(j, "boot_timeout", json_object_new_int(p->boot_timeout));
	rc = write_settings(k, j);
	json_object_put(j);
	return rc;
}

void payload_restore(const struct payload *p)
{
	struct keel other = { 0 };

	if (p->stored)
		write_settings(&other, p->stored);
	else
		unlink(keel_payload_settings);
}

static const char *said(const char *text)
{
	return text && *text ? text : NULL;
}

static int copy_text(struct keel *k, char *out, size_t size, const char *text, const char *what)
{
	if ((size_t)snprintf(out, size, "%s", text) < size)
		return 0;
	return keel_fail(&k->err, E2BIG, "%s: more than %zu characters", what, size - 1);
}

/* This Linux's own, without what its loader has added, and with Keel's console. */
static int default_dom0_options(struct keel *k, char *out, size_t size)
{
	char line[4096] = "", *rest = line, *word;
	size_t used = 0;
	bool console = false;

	if (sysfs_read(line, sizeof(line), "%s", keel_proc_cmdline))
		return keel_fail_errno(&k->err, "cannot read %s", keel_proc_cmdline);
	out[0] = 0;
	while ((word = strsep(&rest, " \n"))) {
		if (!*word || !strncmp(word, "BOOT_IMAGE=", 11) || !strncmp(word, "initrd=", 7))
			continue;
		console |= !strncmp(word, "console=hvc0", 12);
		if (used < size)
			used += snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
	}
	if (!console && used < size)
		used += snprintf(out + used, size - used, "%sconsole=hvc0 console=tty0", used ? " " : "");
	return used < size ? 0 : keel_fail(&k->err, E2BIG, "the options of Dom0's kernel: more than %zu characters",
					   size - 1);
}

static int choose_kernel(struct keel *k, const struct payload *p, struct efi_image *i)
{
	int rc;

	if (!said(p->kernel)) {
		rc = efi_image_find_kernel(k, keel_boot_dir, i);
	} else {
		rc = copy_text(k, i->kernel, sizeof(i->kernel), p->kernel, "the kernel's path");
		efi_image_find_initrd(i);
	}
	if (!rc && said(p->initrd))
		rc = copy_text(k, i->initrd, sizeof(i->initrd), p->initrd, "the initrd's path");
	if (!rc && !*i->initrd)
		keel_warn(k, "%s has no initrd beside it, and gets none", i->kernel);
	return rc;
}

unsigned int payload_timeout(const struct payload *p)
{
	return p->boot_timeout >= 0 ? p->boot_timeout : PAYLOAD_TIMEOUT;
}

static int choose_options(struct keel *k, const struct payload *p, struct efi_image *i)
{
	unsigned int timeout = payload_timeout(p);
	const char *options = said(p->options) ? p->options : "";
	int n = timeout ? snprintf(i->options, sizeof(i->options), "boot_timeout=%u ", timeout) : 0;
	int rc = copy_text(k, i->options + n, sizeof(i->options) - n, options, "Keel's options");

	if (!rc && (strstr(options, " -- ") || !strncmp(options, "-- ", 3) || strstr(options, "config=")))
		rc = keel_fail(&k->err, EINVAL, "Keel's options have neither -- nor config= in an image: "
			       "Dom0's kernel has its own (--dom0-options)");
	if (rc)
		return rc;
	return said(p->dom0_options) ?
	       copy_text(k, i->dom0_options, sizeof(i->dom0_options), p->dom0_options, "the options of Dom0's kernel") :
	       default_dom0_options(k, i->dom0_options, sizeof(i->dom0_options));
}

static int choose_key(struct keel *k, const struct payload *p, struct efi_image *i, bool secure)
{
	const char *comma = key_comma(p->sign);

	if (!said(p->sign))
		return secure ? keel_fail(&k->err, EPERM, "Secure Boot is on, and the firmware would refuse an image without a "
					  "signature: name a key that it knows (--sign KEY,CERTIFICATE), or switch Secure "
					  "Boot off in its setup") : 0;
	if (!comma)
		return keel_fail(&k->err, EINVAL, "'%s' is no KEY,CERTIFICATE", p->sign);
	snprintf(i->key, sizeof(i->key), "%.*s", (int)(comma - p->sign), p->sign);
	return copy_text(k, i->cert, sizeof(i->cert), comma + 1, "the certificate's path");
}

int payload_choose(struct keel *k, const struct payload *p, bool secure, struct efi_image *i)
{
	int rc = said(p->hypervisor) ?
		 copy_text(k, i->hypervisor, sizeof(i->hypervisor), p->hypervisor, "the hypervisor's path") :
		 keel_own_file(k, i->hypervisor, "keel.efi");

	if (!rc)
		rc = choose_kernel(k, p, i);
	if (!rc)
		rc = choose_options(k, p, i);
	return rc ? rc : choose_key(k, p, i, secure);
}
