/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/kept_log.h"

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

struct choice {
	bool clear, previous;
};

static bool handle(int option, const char *value, void *arg)
{
	struct choice *c = arg;

	*(option == 'c' ? &c->clear : &c->previous) = true;
	return true;
}

static long read_log(struct keel *k, const struct choice *c, char *text)
{
	long n;

	if (c->previous)
		return keel_kept_log(k, text, LOG_ROOM, c->clear);
	n = hyper_read_console(k, text, LOG_ROOM, c->clear);
	if (n < 0)
		keel_fail(&k->err, -n, "cannot read the hypervisor's log: %s", strerror(-n));
	return n;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "clear", no_argument, NULL, 'c' }, { "previous", no_argument, NULL, 'p' }, { 0 },
	};
	struct choice choice = { 0 };
	const struct options o = {
		.cmd = &cmd_dmesg, .shorts = "cp", .longs = longs, .handle = handle, .arg = &choice,
	};
	int rc = parse_options(k, argc, argv, &o);
	char *text;
	long n;

	if (rc >= 0)
		return rc;
	rc = choice.previous ? -1 : open_hypervisor(k, &cmd_dmesg);
	if (rc >= 0)
		return rc;
	text = malloc(LOG_ROOM);
	if (!text) {
		keel_fail(&k->err, ENOMEM, "no memory");
		return report(k);
	}
	n = read_log(k, &choice, text);
	rc = n < 0 ? report(k) : show(k, text, n);
	free(text);
	return rc;
}

const struct command cmd_dmesg = {
	.name = "dmesg",
	.args = "[-c] [-p]",
	.summary = "Shows the hypervisor's log",
	.help = "  -c, --clear        empty it afterwards\n"
		"  -p, --previous     the log of the last crash instead, on machines with EFI\n",
	.run = run,
	.no_xenstore = true,
	.opens = true,
};
