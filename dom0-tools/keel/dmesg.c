/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"

/* More than any hypervisor's ring. */
#define LOG_ROOM (1UL << 20)

static int show(struct keel *k, const char *text, size_t size)
{
	struct json_object *j;

	if (!k->json)
		return fwrite(text, 1, size, stdout) == size ? KEEL_EXIT_OK : KEEL_EXIT_FAILED;
	j = json_object_new_object();
	json_object_object_add(j, "log", json_object_new_string_len(text, size));
	return print_json(j);
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "clear", no_argument, NULL, 'c' }, { 0 } };
	bool clear = false;
	const struct options o = {
		.cmd = &cmd_dmesg, .shorts = "c", .longs = longs, .handle = handle_flag, .arg = &clear,
	};
	int rc = parse_options(k, argc, argv, &o);
	char *text;
	long n;

	if (rc >= 0)
		return rc;
	text = malloc(LOG_ROOM);
	if (!text) {
		keel_fail(&k->err, ENOMEM, "no memory");
		return report(k);
	}
	n = hyper_read_console(k, text, LOG_ROOM, clear);
	if (n < 0) {
		keel_fail(&k->err, -n, "cannot read the hypervisor's log: %s", strerror(-n));
		rc = report(k);
	} else {
		rc = show(k, text, n);
	}
	free(text);
	return rc;
}

const struct command cmd_dmesg = {
	.name = "dmesg",
	.args = "[-c]",
	.summary = "Shows the hypervisor's log",
	.help = "  -c, --clear        empty it afterwards\n",
	.run = run,
	.no_xenstore = true,
};
