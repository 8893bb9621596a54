/* SPDX-License-Identifier: GPL-2.0-only */
/* What qemu-img says of an image. The image may be anybody's: the program is limited. */
#include "lib/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/program.h"

#define MEMORY (1ull << 30)
#define SECONDS 60

/* The parsed answer to `qemu-img info`, or NULL. */
static struct json_object *ask(struct keel *k, const char *path, const char *format, bool chain)
{
	const char *argv[] = {
		QEMU_IMG, "info", "--output=json", "--force-share", path, NULL, NULL, NULL, NULL,
	};
	unsigned int n = 5;
	struct json_object *j;
	char *text = NULL;

	if (format) {
		argv[n++] = "-f";
		argv[n++] = format;
	}
	if (chain)
		argv[n] = "--backing-chain";
	if (program_do(k, &(struct program){
		.argv = argv, .package = QEMU_PACKAGE, .what = "examining the image", .memory = MEMORY,
		.file = PROGRAM_OUTPUT_MAX, .seconds = SECONDS, .output = &text,
	}))
		return NULL;
	j = json_tokener_parse(text);
	free(text);
	if (!j)
		keel_fail(&k->err, EIO, "%s does not tell what %s is", QEMU_IMG, path);
	return j;
}

/* A VMware image may be a list of other files. */
static bool has_other_extents(struct json_object *data, const char *path)
{
	struct json_object *list = json_member(data, "extents");
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *file = json_text(json_object_array_get_idx(list, i), "filename");

		if (!file || strcmp(file, path))
			return true;
	}
	return false;
}

int image_info(struct keel *k, const char *path, const char *format, struct image_info *i)
{
	struct json_object *j = ask(k, path, format, false), *data;
	const char *backing, *is;

	if (!j)
		return -k->err.code;
	data = json_member(json_member(j, "format-specific"), "data");
	backing = json_text(j, "full-backing-filename");
	is = json_text(j, "format");
	*i = (struct image_info){
		.size = json_object_get_int64(json_member(j, "virtual-size")),
		.outside = backing || json_text(j, "backing-filename") || json_text(data, "data-file") ||
			   has_other_extents(data, path),
		.encrypted = json_object_get_boolean(json_member(j, "encrypted")),
		.damaged = json_object_get_boolean(json_member(data, "corrupt")),
	};
	snprintf(i->format, sizeof(i->format), "%s", is ? is : "");
	snprintf(i->backing, sizeof(i->backing), "%s", backing ? backing : "");
	json_object_put(j);
	return 0;
}

int image_check_chain(struct keel *k, const struct guest_disk *d)
{
	struct json_object *j = ask(k, d->path, guest_format_qemu(d->format), true);
	size_t n = j ? json_object_array_length(j) : 0;
	int rc = j ? 0 : -k->err.code;

	for (size_t i = 0; i < n && !rc; i++) {
		struct json_object *one = json_object_array_get_idx(j, i);
		const char *behind = json_text(one, "backing-filename");

		if (behind && !json_text(one, "backing-filename-format"))
			rc = keel_fail(&k->err, EINVAL, "disk %s: the image %s does not say the format of %s, which is "
				       "behind it, and a guess may be what a guest wrote there; say it by qemu-img rebase -u "
				       "-b %s -F FORMAT", d->path, json_text(one, "filename"), behind, behind);
	}
	json_object_put(j);
	return rc;
}
