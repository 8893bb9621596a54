/* SPDX-License-Identifier: GPL-2.0-only */
/* The folder of keel.efi, and load options without the program's name. */
#include <stdbool.h>

#include "xen/efi/path.h"

/* UEFI 2.10, table 10.1 and 10.3.5.4: type, subtype, length including this header. */
#define NODE_HEADER	4
#define NODE_MEDIA	0x04
#define NODE_FILE	0x04
#define NODE_END	0x7f
#define DEVICE_PATH_MAX	8192	/* a path without an end within this is damaged */

struct name {
	uint16_t *text;
	size_t len, room;
};

/* Two backslashes never stand side by side. */
static bool append(struct name *n, uint16_t c)
{
	if (c == '/')
		c = '\\';
	if (c == '\\' && n->len && n->text[n->len - 1] == '\\')
		return true;
	if (n->len + 1 >= n->room)
		return false;
	n->text[n->len++] = c;
	return true;
}

/* Appends the whole name, or fails. */
static bool join_nodes(const uint8_t *node, struct name *n)
{
	size_t done = 0, size, i;

	for (; node[0] != NODE_END; node += size, done += size) {
		size = node[2] | node[3] << 8;
		if (size < NODE_HEADER || size > DEVICE_PATH_MAX - done)
			return false;
		if (node[0] != NODE_MEDIA || node[1] != NODE_FILE)
			continue;
		if (!append(n, '\\'))
			return false;
		for (i = NODE_HEADER; i + 1 < size; i += 2) {
			uint16_t c = node[i] | node[i + 1] << 8;

			if (!c)
				break;
			if (!append(n, c))
				return false;
		}
	}
	return true;
}

void loader_folder(const void *device_path, uint16_t *folder, size_t room)
{
	struct name n = { .text = folder, .room = room };

	append(&n, '\\');
	if (!device_path || !join_nodes(device_path, &n))
		n.len = 1;
	while (folder[n.len - 1] != '\\')
		n.len--;
	folder[n.len] = 0;
}

static bool is_program(const char *start, const char *end)
{
	static const char suffix[] = ".efi";
	size_t i, len = sizeof(suffix) - 1;

	if ((size_t)(end - start) < len)
		return false;
	for (i = 0; i < len; i++)
		if ((end[i - len] | 0x20) != (suffix[i] | 0x20))
			return false;
	return true;
}

const char *loader_skip_program(const char *options)
{
	const char *start = options, *end;
	char stop = ' ';

	if (*start == '"') {
		start++;
		stop = '"';
	}
	for (end = start; *end && *end != '='; end++) {
		if (end[1] && end[1] != stop)
			continue;
		if (!is_program(start, end + 1))
			continue;
		for (end++; *end == ' ' || *end == '"'; end++)
			;
		return end;
	}
	return options;
}
