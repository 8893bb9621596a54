/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
	&cmd_create, &cmd_check, &cmd_convert, &cmd_list, &cmd_info, &cmd_pci_list, &cmd_pci_assignable_list,
	&cmd_pci_assignable_add, &cmd_pci_assignable_remove, &cmd_pci_attach, &cmd_pci_detach, &cmd_vf_create, &cmd_console, &cmd_shutdown, &cmd_reboot,
	&cmd_destroy, &cmd_pause, &cmd_unpause, &cmd_dmesg, &cmd_help, NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

void command_usage(const struct command *c)
{
	printf("usage: keel %s %s\n\n%s.\n\n%s", c->name, c->args, c->summary, c->help);
	printf("  --json             print the result, or the error, as JSON\n"
	       "  -h, --help         show this\n");
}

/* Progress on a terminal: one line, written over. */
static void show_progress(struct keel *k, const char *what, uint64_t done, uint64_t total)
{
	static uint64_t last;
	uint64_t now = keel_now_ms();

	if (now - last < 100 && done != total)
		return;
	last = now;
	if (total)
		fprintf(stderr, "\r\033[K%s: %llu/%llu", what, (unsigned long long)done,
			(unsigned long long)total);
	else
		fprintf(stderr, "\r\033[K%s", what);
	fflush(stderr);
}

static void end_progress(struct keel *k)
{
	if (k->progress)
		fputs("\r\033[K", stderr);
}

static int exit_code(int code)
{
	switch (code) {
	case ESRCH:
		return KEEL_EXIT_NO_GUEST;
	case ENOMEM:
		return KEEL_EXIT_NO_MEMORY;
	case ETIMEDOUT:
		return KEEL_EXIT_TIMEOUT;
	default:
		return KEEL_EXIT_FAILED;
	}
}

static const char *errno_name(int code)
{
	const char *name = strerrorname_np(code);

	return name ? name : "EIO";
}

static int report_as(struct keel *k, int exit)
{
	struct json_object *j, *e;

	end_progress(k);
	if (!k->json) {
		fprintf(stderr, "keel: %s\n", k->err.text);
		return exit;
	}
	j = json_object_new_object();
	e = json_object_new_object();
	json_object_object_add(e, "code", json_object_new_string(errno_name(k->err.code)));
	json_object_object_add(e, "message", json_object_new_string(k->err.text));
	json_object_object_add(j, "error", e);
	print_json(j);
	return exit;
}

int report(struct keel *k)
{
	return report_as(k, exit_code(k->err.code));
}

int usage_error(struct keel *k, const struct command *c, const char *fmt, ...)
{
	va_list ap;

	k->err.code = EINVAL;
	va_start(ap, fmt);
	vsnprintf(k->err.text, sizeof(k->err.text), fmt, ap);
	va_end(ap);
	report_as(k, KEEL_EXIT_USAGE);
	if (!k->json)
		fprintf(stderr, "usage: keel %s %s\n", c->name, c->args);
	return KEEL_EXIT_USAGE;
}

int print_json(struct json_object *j)
{
	puts(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(j);
	return fflush(stdout) ? KEEL_EXIT_FAILED : KEEL_EXIT_OK;
}

int print_done(struct keel *k, const struct domain *d, const char *result)
{
	struct json_object *j;

	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %s\n", d->name, d->id, result);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "name", json_object_new_string(d->name));
	json_object_object_add(j, "id", json_object_new_int(d->id));
	json_object_object_add(j, "result", json_object_new_string(result));
	return print_json(j);
}

enum { OPTION_JSON = 1000 };

int parse_options(struct keel *k, int argc, char **argv, const struct options *o)
{
	struct option longs[16] = {
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "help", no_argument, NULL, 'h' },
	};
	char shorts[64];
	int c, args;

	for (unsigned int i = 0; o->longs && o->longs[i].name; i++)
		longs[i + 2] = o->longs[i];
	snprintf(shorts, sizeof(shorts), "h%s", o->shorts ? o->shorts : "");
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == OPTION_JSON) {
			k->json = true;
			k->progress = NULL;
		} else if (c == 'h') {
			command_usage(o->cmd);
			return KEEL_EXIT_OK;
		} else if (c == '?' || !o->handle || !o->handle(c, optarg, o->arg)) {
			return usage_error(k, o->cmd, "bad option or value: %s", argv[optind - 1]);
		}
	}
	args = argc - optind;
	if (args < o->min_args)
		return usage_error(k, o->cmd, "something is missing after 'keel %s'", o->cmd->name);
	if (o->max_args >= 0 && args > o->max_args)
		return usage_error(k, o->cmd, "'%s' is one too many", argv[optind + o->max_args]);
	return o->cmd->opens ? -1 : open_hypervisor(k, o->cmd);
}

int open_hypervisor(struct keel *k, const struct command *c)
{
	return keel_open(k, c->no_xenstore) ? report(k) : -1;
}

/* --json anywhere counts for errors too that come before the options are read. */
static void early_options(struct keel *k, int argc, char **argv)
{
	bool help = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			k->json = true;
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			help = true;
	}
	if (isatty(2) && !k->json && !help)
		k->progress = show_progress;
}

int main(int argc, char **argv)
{
	static struct keel k;
	const struct command *c;
	int rc;

	early_options(&k, argc, argv);
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help.run(&k, 1, argv) || argc < 2 ? KEEL_EXIT_USAGE : KEEL_EXIT_OK;
	c = command_find(argv[1]);
	if (!c)
		return usage_error(&k, &cmd_help, "there is no command '%s'", argv[1]);
	rc = c->run(&k, argc - 1, argv + 1);
	keel_close(&k);
	return rc;
}
