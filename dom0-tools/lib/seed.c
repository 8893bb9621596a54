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

/* The next line that is neither empty nor a comment, and its length; NULL: there is none. */
static const char *next_line(const char *text, size_t *n)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		*n = strcspn(text, "\r\n");
		if (*text != '#')
			return *n ? text : NULL;
		text += *n;
	}
}

/* The text of a public key, perhaps with options before it. */
static bool is_key(const char *line, size_t n)
{
	static const char *const types[] = { "ssh-", "ecdsa-", "sk-" };
	bool found = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		found |= !!memmem(line, n, types[i], strlen(types[i]));
	return found && memmem(line, n, "AAAA", 4);
}

/* Every line: a private key may have its public one in it, as PuTTY's files do. */
static int check_keys(struct keel *k, const char *keys)
{
	const char *line;
	size_t n;

	if (strstr(keys, "PRIVATE KEY") || strstr(keys, "PuTTY-User-Key-File"))
		return keel_fail(&k->err, EINVAL, "that is a private key; give the public one (FILE.pub)");
	if (!next_line(keys, &n))
		return keel_fail(&k->err, EINVAL, "there is no public key as in ~/.ssh/authorized_keys");
	for (line = keys; (line = next_line(line, &n)); line += n)
		if (!is_key(line, n))
			return keel_fail(&k->err, EINVAL, "a line is no public key as in ~/.ssh/authorized_keys: '%.*s'",
					 n < 20 ? (int)n : 20, line);
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

static struct json_object *lines_of(const char *text)
{
	struct json_object *list = json_object_new_array();
	size_t n;

	for (; (text = next_line(text, &n)); text += n)
		json_object_array_add(list, json_object_new_string_len(text, n));
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
