/* SPDX-License-Identifier: GPL-2.0-only */
/* What qemu-img says of an image. The image may be anybody's: the program is limited. */
#include "lib/image.h"

#include <errno.h>
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
		QEMU_IMG, "info", "--output=json", "--force-share", path, "-f", format, NULL, NULL,
	};
	struct json_object *j;
	char *text = NULL;

	if (chain)
		argv[7] = "--backing-chain";
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

int image_info(struct keel *k, const char *path, const char *format, struct image_info *i)
{
	struct json_object *j = ask(k, path, format, false), *data;

	if (!j)
		return -k->err.code;
	data = json_member(json_member(j, "format-specific"), "data");
	*i = (struct image_info){
		.size = json_object_get_int64(json_member(j, "virtual-size")),
		.encrypted = json_object_get_boolean(json_member(j, "encrypted")),
		.damaged = json_object_get_boolean(json_member(data, "corrupt")),
	};
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
