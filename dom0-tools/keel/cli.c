/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share: options, and the output of results and errors. */
#include "keel/keel.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void command_usage(const struct command *c)
{
	printf("usage: keel %s %s\n\n%s.\n\n%s", c->name, c->args, c->summary, c->help);
	if (c->changes)
		printf("  -n, --dry-run      check, and say what would be done\n");
	printf("  --json             print the result, or the error, as JSON\n"
	       "  -h, --help         show this\n");
}

void end_progress(struct keel *k)
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
	keel_write_utf8(stdout, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	putchar('\n');
	json_object_put(j);
	return fflush(stdout) ? KEEL_EXIT_FAILED : KEEL_EXIT_OK;
}

void print_json_line(struct json_object *j)
{
	keel_write_utf8(stdout, json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	putchar('\n');
	fflush(stdout);
	json_object_put(j);
}

int end_list(struct keel *k, struct json_object *list)
{
	if (k->json)
		return print_json(list);
	json_object_put(list);
	return KEEL_EXIT_OK;
}

struct json_object *json_of_domain(const struct keel_domain *d)
{
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "name", json_object_new_string(d->name));
	json_object_object_add(j, "id", json_object_new_int(d->id));
	return j;
}

const char *would_be(const struct keel *k)
{
	return k->dry_run ? "would be " : "";
}

int print_result(struct keel *k, struct json_object *j, const char *result)
{
	json_object_object_add(j, "result", json_object_new_string(result));
	if (k->dry_run)
		json_object_object_add(j, "dry_run", json_object_new_boolean(true));
	return print_json(j);
}

int print_done(struct keel *k, const struct keel_domain *d, const char *result)
{
	end_progress(k);
	if (!k->json) {
		printf("%s (domain %u): %s%s\n", d->name, d->id, would_be(k), result);
		return KEEL_EXIT_OK;
	}
	return print_result(k, json_of_domain(d), result);
}

enum { OPTION_JSON = 1000 };

int parse_options(struct keel *k, int argc, char **argv, const struct options *o)
{
	struct option longs[16] = {
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "help", no_argument, NULL, 'h' },
	};
	bool changes = o->cmd->changes;
	unsigned int n = 2;
	char shorts[64];
	int c, args;

	if (changes)
		longs[n++] = (struct option){ "dry-run", no_argument, NULL, 'n' };
	for (unsigned int i = 0; o->longs && o->longs[i].name; i++)
		longs[n++] = o->longs[i];
	snprintf(shorts, sizeof(shorts), "h%s%s", changes ? "n" : "", o->shorts ? o->shorts : "");
	optind = 0;	/* from the start, also in the middle of a word */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == OPTION_JSON) {
			k->json = true;
			k->progress = NULL;
		} else if (c == 'n' && changes) {
			k->dry_run = true;
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

bool confirmed(const struct keel *k, const char *fmt, ...)
{
	char answer[16] = "";
	va_list ap;

	if (k->json || !isatty(0) || !isatty(1))
		return true;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", stdout);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

bool handle_flag(int option, const char *value, void *arg)
{
	*(bool *)arg = true;
	return true;
}

int open_hypervisor(struct keel *k, const struct command *c)
{
	return keel_open(k, c->no_xenstore) ? report(k) : -1;
}

bool size_option(const char *text, uint64_t *kib)
{
	static const char letters[] = "kmgt";
	size_t n = strspn(text, "0123456789");
	const char *letter = text[n] ? strchr(letters, tolower((unsigned char)text[n])) : letters + 1;

	if (!n || n > 9 || !letter || (text[n] && text[n + 1]))
		return false;
	*kib = strtoull(text, NULL, 10) << (letter - letters) * 10;
	return *kib >= 1024 && *kib < 1ULL << 53;	/* in bytes, it has 63 bits */
}

bool number_option(const char *text, unsigned int max, unsigned int *out)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > 9 || text[n] || strtoul(text, NULL, 10) > max)
		return false;
	*out = strtoul(text, NULL, 10);
	return true;
}

int named_domains(struct keel *k, int argc, char **argv, struct keel_domain **out)
{
	if (optind == argc)
		return keel_domain_list(k, out);
	*out = calloc(argc - optind, sizeof(**out));
	for (int i = optind; *out && i < argc; i++)
		if (keel_domain_find(k, argv[i], &(*out)[i - optind])) {
			free(*out);
			return -1;
		}
	return *out ? argc - optind : keel_fail(&k->err, ENOMEM, "no memory");
}

int parse_words(struct keel *k, struct cfg *c, int argc, char **argv)
{
	char text[4096] = "";
	size_t used = 0;

	for (int i = 0; i < argc; i++) {
		used += snprintf(text + used, sizeof(text) - used, "%s\n", argv[i]);
		if (used >= sizeof(text))
			return keel_fail(&k->err, E2BIG, "too many settings on the command line");
	}
	return cfg_parse(c, text, used, "command line", &k->err);
}
