/* SPDX-License-Identifier: GPL-2.0-only */
/* logs: what xenconsoled has kept of a guest's console. */
#include "keel/keel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_US 250000
#define JSON_MAX (16L << 20)	/* bytes, of its end: a guest decides how much there is */

const char *console_logs = "/var/log/xen/console";

static int open_log(struct keel *k, const char *name, FILE **f)
{
	char path[512];

	if (strchr(name, '/') || strlen(name) > GUEST_NAME_MAX)
		return keel_fail(&k->err, EINVAL, "'%s' is no guest's name", name);
	snprintf(path, sizeof(path), "%s/guest-%s.log", console_logs, name);
	*f = fopen(path, "re");
	if (*f)
		return 0;
	if (errno == ENOENT)
		return keel_fail(&k->err, ENOENT, "there is no log %s: the guest has said nothing since xenconsoled "
				 "started, or was renamed, or xenconsoled keeps none (--log=guest)", path);
	return keel_fail_errno(&k->err, "cannot read %s", path);
}

/* A guest does not control the terminal of who reads its log. */
static void make_plain(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' ? !text[i] || !strchr("\n\r\t", text[i]) : text[i] == 0x7f)
			text[i] = '?';
}

/* What there is, from where the file is read on, until a signal comes. */
static bool copy(struct keel *k, FILE *from, FILE *to)
{
	bool plain = to == stdout && isatty(1);
	char text[4096];
	size_t n;

	clearerr(from);
	while ((n = fread(text, 1, sizeof(text), from)) > 0) {
		if (plain)
			make_plain(text, n);
		if (fwrite(text, 1, n, to) != n)
			return false;
		if (keel_interrupted(k))
			break;
	}
	return !fflush(to) && !ferror(from);
}

static int print_all(struct keel *k, FILE *f, const char *name)
{
	struct json_object *j;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!k->json)
		return copy(k, f, stdout) ? KEEL_EXIT_OK : KEEL_EXIT_FAILED;
	if (fseek(f, 0, SEEK_END) || ftell(f) <= JSON_MAX || fseek(f, -JSON_MAX, SEEK_END))
		rewind(f);
	out = open_memstream(&text, &size);
	if (!out || !copy(k, f, out)) {
		keel_fail_errno(&k->err, "cannot read the log of %s", name);
		free(text);
		return report(k);
	}
	fclose(out);
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(name));
	json_object_object_add(j, "log", json_object_new_string_len(text, size));
	free(text);
	return print_json(j);
}

/* Until a signal comes. */
static int follow(struct keel *k, FILE *f)
{
	sigset_t old;
	bool good;

	keel_hold_signals(&old);	/* and they stay held: a signal is its usual end, no failure */
	while ((good = copy(k, f, stdout)) && !keel_interrupted(k))
		usleep(LOOK_US);
	return good ? KEEL_EXIT_OK : KEEL_EXIT_FAILED;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = { { "follow", no_argument, NULL, 'f' }, { 0 } };
	bool on = false;
	const struct options o = {
		.cmd = &cmd_logs, .shorts = "f", .longs = longs, .handle = handle_flag, .arg = &on,
		.min_args = 1, .max_args = 1,
	};
	struct keel_domain d;
	FILE *f;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (on && k->json)
		return usage_error(k, &cmd_logs, "-f has no end that --json could wait for");
	rc = open_hypervisor(k, &cmd_logs);
	if (rc >= 0)
		return rc;
	/* Also of one that has ended. */
	if (keel_domain_find_guest(k, argv[optind], &d))
		snprintf(d.name, sizeof(d.name), "%s", argv[optind]);
	if (open_log(k, d.name, &f))
		return report(k);
	rc = on ? follow(k, f) : print_all(k, f, d.name);
	fclose(f);
	return rc;
}

const struct command cmd_logs = {
	.name = "logs",
	.args = "[-f] NAME|ID",
	.summary = "Shows what a guest has written to its console",
	.help =
	"xenconsoled keeps it, started with --log=guest or --log=all; also of guests that have ended.\n"
	"On a terminal, control characters are shown as ?. In JSON it is the last 16 MiB.\n\n"
	"  -f, --follow       go on until interrupted\n",
	.run = run,
	.opens = true,
};
