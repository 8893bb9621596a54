/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk for cloud-init's data source NoCloud: a FAT file system with the label CIDATA, and in it
 * user-data and meta-data in YAML. JSON is YAML, so that no word of an administrator's can be more
 * than a text.
 */
#include "lib/image.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/files.h"
#include "lib/program.h"

#define MFORMAT "/usr/bin/mformat"
#define MCOPY "/usr/bin/mcopy"
#define PACKAGE "mtools"

static bool has_only(const char *text, const char *others, size_t max)
{
	size_t n = strlen(text);

	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(others, *p))
			return false;
	return n && n <= max && isalnum((unsigned char)*text);
}

/* Each line is the text of a public key, perhaps with options before it. */
static int check_keys(struct keel *k, const char *keys)
{
	if (strstr(keys, "PRIVATE KEY"))
		return keel_fail(&k->err, EINVAL, "that is a private key; give the public one (FILE.pub)");
	if (!strstr(keys, "ssh-") && !strstr(keys, "ecdsa-") && !strstr(keys, "sk-"))
		return keel_fail(&k->err, EINVAL, "there is no public key as in ~/.ssh/authorized_keys");
	return 0;
}

int seed_check(struct keel *k, const struct seed *s)
{
	if (!has_only(s->hostname, "-.", 253))
		return keel_fail(&k->err, EINVAL, "'%s' is no host name (letters, digits, - and .); --hostname gives it "
				 "another one than the guest's", s->hostname);
	if (s->user && (!has_only(s->user, "-_", 32) || !islower((unsigned char)*s->user)))
		return keel_fail(&k->err, EINVAL, "'%s' is no name of a user (lower-case letters, digits, - and _)",
				 s->user);
	if (s->user && !s->keys)
		return keel_fail(&k->err, EINVAL, "user '%s' could not log in without a key (--ssh-key FILE)",
				 s->user);
	if (s->keys && check_keys(k, s->keys))
		return -EINVAL;
	if (access(MFORMAT, X_OK))
		return keel_fail_errno(&k->err, "cannot run %s (the package " PACKAGE " has it)", MFORMAT);
	return 0;
}

static void put(struct json_object *j, const char *key, const char *value)
{
	json_object_object_add(j, key, json_object_new_string(value));
}

/* Lines that are neither empty nor comments. */
static struct json_object *lines_of(const char *text)
{
	struct json_object *list = json_object_new_array();

	while (*text) {
		size_t n = strcspn(text, "\r\n");

		if (n && *text != '#')
			json_object_array_add(list, json_object_new_string_len(text, n));
		text += n;
		text += strspn(text, "\r\n");
	}
	return list;
}

static struct json_object *user_data(const struct seed *s)
{
	struct json_object *j = json_object_new_object(), *users, *user;

	put(j, "hostname", s->hostname);
	json_object_object_add(j, "manage_etc_hosts", json_object_new_boolean(true));
	if (!s->user) {
		if (s->keys)
			json_object_object_add(j, "ssh_authorized_keys", lines_of(s->keys));
		return j;
	}
	users = json_object_new_array();
	user = json_object_new_object();
	put(user, "name", s->user);
	put(user, "shell", "/bin/bash");
	put(user, "sudo", "ALL=(ALL) NOPASSWD:ALL");
	json_object_object_add(user, "lock_passwd", json_object_new_boolean(true));
	json_object_object_add(user, "ssh_authorized_keys", lines_of(s->keys));
	json_object_array_add(users, user);
	json_object_object_add(j, "users", users);
	return j;
}

static struct json_object *meta_data(const struct seed *s)
{
	struct json_object *j = json_object_new_object();

	put(j, "instance-id", s->instance);
	put(j, "local-hostname", s->hostname);
	return j;
}

/* Writes @j, which it frees, as a file of the file system in @path. */
static int add_file(struct keel *k, const char *path, const char *name, const char *head,
		    struct json_object *j)
{
	const char *const argv[] = { MCOPY, "-i", path, "-", name, NULL };
	char *text;
	int rc;

	if (asprintf(&text, "%s%s\n", head, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
									     JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		text = NULL;
	json_object_put(j);
	rc = text ? program_run(k, argv, PACKAGE, text) : keel_fail(&k->err, ENOMEM, "no memory");
	free(text);
	return rc;
}

int seed_make(struct keel *k, const char *path, const struct seed *s)
{
	const char *const argv[] = {
		MFORMAT, "-i", path, "-C", "-f", "1440", "-v", "CIDATA", "::", NULL,
	};
	mode_t before = umask(077);
	int rc = program_run(k, argv, PACKAGE, NULL);

	umask(before);
	if (!rc)
		rc = add_file(k, path, "::user-data", "#cloud-config\n", user_data(s));
	if (!rc)
		rc = add_file(k, path, "::meta-data", "", meta_data(s));
	if (!rc && !(keel_sync_file(path) && keel_sync_name(path)))
		rc = keel_fail_errno(&k->err, "cannot write %s", path);
	if (rc)
		unlink(path);
	return rc;
}
