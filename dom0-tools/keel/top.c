/* SPDX-License-Identifier: GPL-2.0-only */
/* top: domains by what they use, again and again; on a terminal, or for scripts. */
#include "keel/keel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/stats.h"

/* A signal that ends it is noticed so soon. */
#define SLICE_MS 200

struct top {
	bool batch, vcpus;
	unsigned int iterations;	/* 0: until it is ended */
	unsigned int delay_ms;
	int sort;			/* n, c or m */
	uint64_t memory;		/* of the machine, in bytes */
	struct json_object *domains;	/* each with cpu_percent, too */
	uint64_t at_ms;
};

static bool handle(int option, const char *value, void *arg)
{
	struct top *t = arg;
	double seconds;
	char *end;

	switch (option) {
	case 'b':
		t->batch = true;
		return true;
	case 'v':
		t->vcpus = true;
		return true;
	case 'i':
	case 'n':
		return number_option(value, 999999999, &t->iterations) && t->iterations;
	case 'd':
		seconds = strtod(value, &end);
		if (*end || !(seconds >= 0.1 && seconds <= 3600))
			return false;
		t->delay_ms = seconds * 1000;
		return true;
	case 's':
		t->sort = *value;
		return !strcmp(value, "name") || !strcmp(value, "cpu") || !strcmp(value, "memory");
	default:
		return false;
	}
}

static uint64_t number(struct json_object *j, const char *key)
{
	return json_object_get_int64(json_object_object_get(j, key));
}

static double percent(struct json_object *j)
{
	return json_object_get_double(json_object_object_get(j, "cpu_percent"));
}

static const char *text(struct json_object *j, const char *key)
{
	return json_object_get_string(json_object_object_get(j, key));
}

static uint64_t sum(struct json_object *d, const char *list, const char *key)
{
	struct json_object *all = json_object_object_get(d, list);
	uint64_t total = 0;

	for (size_t i = 0; i < json_object_array_length(all); i++)
		total += number(json_object_array_get_idx(all, i), key);
	return total;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(text(*(struct json_object *const *)a, "name"),
		      text(*(struct json_object *const *)b, "name"));
}

static int by_cpu(const void *a, const void *b)
{
	double x = percent(*(struct json_object *const *)a), y = percent(*(struct json_object *const *)b);

	return x > y ? -1 : x < y ? 1 : by_name(a, b);
}

static int by_memory(const void *a, const void *b)
{
	uint64_t x = number(*(struct json_object *const *)a, "memory_bytes");
	uint64_t y = number(*(struct json_object *const *)b, "memory_bytes");

	return x > y ? -1 : x < y ? 1 : by_name(a, b);
}

static void sort(struct top *t)
{
	json_object_array_sort(t->domains, t->sort == 'c' ? by_cpu : t->sort == 'm' ? by_memory : by_name);
}

static struct json_object *same(struct json_object *all, struct json_object *d)
{
	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		struct json_object *j = json_object_array_get_idx(all, i);

		if (number(j, "id") == number(d, "id") && !strcmp(text(j, "uuid"), text(d, "uuid")))
			return j;
	}
	return NULL;
}

static void add_percent(struct json_object *j, struct json_object *before, uint64_t ms)
{
	uint64_t ns = before ? number(j, "cpu_time_ns") - number(before, "cpu_time_ns") : 0;
	char digits[32];

	snprintf(digits, sizeof(digits), "%.1f", ms ? ns / (ms * 1e4) : 0);
	json_object_object_add(j, "cpu_percent", json_object_new_double_s(strtod(digits, NULL), digits));
}

/* The next figures, and how much CPU time there was since the last ones. */
static int look(struct keel *k, struct top *t)
{
	struct json_object *domains = collect_stats(k, optind, NULL);
	uint64_t now = keel_now_ms();

	if (!domains)
		return -k->err.code;
	for (size_t i = 0; i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i), *before = same(t->domains, d);
		struct json_object *list = json_object_object_get(d, "vcpus"), *old = NULL;

		add_percent(d, before, now - t->at_ms);
		if (before)
			old = json_object_object_get(before, "vcpus");
		for (size_t v = 0; v < json_object_array_length(list); v++)
			add_percent(json_object_array_get_idx(list, v),
				    old ? json_object_array_get_idx(old, v) : NULL, now - t->at_ms);
	}
	json_object_put(t->domains);
	t->domains = domains;
	t->at_ms = now;
	sort(t);
	return 0;
}

static void print_row(const struct top *t, struct json_object *d)
{
	uint64_t memory = number(d, "memory_bytes");

	printf("%-20.20s %-8s %10.0f %6.1f %10llu %6.1f %5llu %4zu %10llu %10llu %4zu %9llu %9llu",
	       text(d, "name"), text(d, "state"), number(d, "cpu_time_ns") / 1e9, percent(d),
	       (unsigned long long)memory >> 10, t->memory ? memory * 100.0 / t->memory : 0,
	       (unsigned long long)number(d, "online_vcpus"),
	       json_object_array_length(json_object_object_get(d, "interfaces")),
	       (unsigned long long)sum(d, "interfaces", "tx_bytes") >> 10,
	       (unsigned long long)sum(d, "interfaces", "rx_bytes") >> 10,
	       json_object_array_length(json_object_object_get(d, "disks")),
	       (unsigned long long)sum(d, "disks", "reads"),
	       (unsigned long long)sum(d, "disks", "writes"));
}

static void print_vcpu(struct json_object *v)
{
	printf("  vCPU %-14llu%-8s %10.0f %6.1f", (unsigned long long)number(v, "vcpu"),
	       number(v, "online") ? "online" : "offline", number(v, "cpu_time_ns") / 1e9, percent(v));
}

/* At most @lines, each with @end; as many as there are in @lines lines. */
static void print_table(const struct top *t, unsigned int lines, const char *end)
{
	printf("%-20s %-8s %10s %6s %10s %6s %5s %4s %10s %10s %4s %9s %9s%s", "NAME", "STATE", "CPU(sec)",
	       "CPU(%)", "MEM(k)", "MEM(%)", "VCPUS", "NETS", "NETTX(k)", "NETRX(k)", "VBDS", "VBD_RD",
	       "VBD_WR", end);
	for (size_t i = 0; i < json_object_array_length(t->domains) && lines; i++) {
		struct json_object *d = json_object_array_get_idx(t->domains, i);
		struct json_object *vcpus = json_object_object_get(d, "vcpus");

		print_row(t, d);
		fputs(end, stdout);
		lines--;
		for (size_t v = 0; t->vcpus && v < json_object_array_length(vcpus) && lines; v++, lines--) {
			print_vcpu(json_object_array_get_idx(vcpus, v));
			fputs(end, stdout);
		}
	}
}

static void print_batch(struct keel *k, const struct top *t)
{
	struct json_object *j;

	if (!k->json) {
		print_table(t, ~0u, "\n");
	} else {
		j = json_object_new_object();
		json_object_object_add(j, "domains", json_object_get(t->domains));
		print_json_line(j);
	}
	fflush(stdout);
}

static void draw(const struct top *t)
{
	struct winsize w = { 0 };
	unsigned int lines = 24;

	if (!ioctl(1, TIOCGWINSZ, &w) && w.ws_row > 3)
		lines = w.ws_row;
	/* Lines that are too long are cut. */
	printf("\033[H\033[?7lkeel top - n name, c CPU, m memory, v vCPUs, q quit\033[K\r\n\033[7m");
	print_table(t, lines - 3, "\033[K\033[m\r\n");
	printf("\033[J\033[?7h");
	fflush(stdout);
}

static bool handle_key(struct top *t, int key)
{
	if (key == 'q' || key == 3)
		return false;
	if (key == 'v')
		t->vcpus = !t->vcpus;
	if (key == 'n' || key == 'c' || key == 'm') {
		t->sort = key;
		sort(t);
	}
	return true;
}

/* Until the next look is due. False: it is to end. */
static bool wait_for_keys(struct keel *k, struct top *t)
{
	struct pollfd p = { .fd = t->batch ? -1 : 0, .events = POLLIN };
	unsigned int waited = 0;

	while (waited < t->delay_ms) {
		unsigned int slice = t->delay_ms - waited < SLICE_MS ? t->delay_ms - waited : SLICE_MS;
		unsigned char key;

		if (poll(&p, 1, slice) > 0) {
			if (read(0, &key, 1) != 1 || !handle_key(t, key))
				return false;
			draw(t);
		} else {
			waited += slice;
		}
		if (keel_interrupted(k))
			return false;
	}
	return true;
}

static int show(struct keel *k, struct top *t)
{
	for (unsigned int i = 0; !i || (i != t->iterations && wait_for_keys(k, t)); i++) {
		int rc = look(k, t);

		if (rc)
			return rc;
		if (t->batch)
			print_batch(k, t);
		else
			draw(t);
		if (ferror(stdout))
			return keel_fail(&k->err, EIO, "cannot write the table");
	}
	return 0;
}

/* The terminal is as it was afterwards. */
static int show_on_terminal(struct keel *k, struct top *t)
{
	struct termios before, raw;
	int rc;

	if (!isatty(1) || tcgetattr(0, &before))
		return keel_fail(&k->err, ENOTTY, "there is no terminal; -b is for scripts");
	raw = before;
	raw.c_lflag &= ~(ICANON | ECHO | ISIG);
	tcsetattr(0, TCSANOW, &raw);
	printf("\033[?1049h\033[?25l");
	rc = show(k, t);
	printf("\033[?25h\033[?1049l");
	fflush(stdout);
	tcsetattr(0, TCSANOW, &before);
	return rc;
}

static int run(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "batch", no_argument, NULL, 'b' }, { "iterations", required_argument, NULL, 'i' },
		{ "delay", required_argument, NULL, 'd' }, { "vcpus", no_argument, NULL, 'v' },
		{ "sort", required_argument, NULL, 's' }, { 0 },
	};
	struct top t = { .delay_ms = 3000, .sort = 'n' };
	const struct options o = {
		.cmd = &cmd_top, .shorts = "bi:n:d:vs:", .longs = longs, .handle = handle, .arg = &t,
	};
	int rc = parse_options(k, argc, argv, &o);
	struct json_object *host;
	sigset_t old;

	if (rc >= 0)
		return rc;
	host = stats_host(k);
	if (!host)
		return report(k);
	t.memory = number(host, "memory_bytes");
	json_object_put(host);
	t.batch |= k->json;
	k->progress = NULL;
	keel_hold_signals(&old);	/* and they stay held: a signal is a usual end, no failure */
	rc = t.batch ? show(k, &t) : show_on_terminal(k, &t);
	json_object_put(t.domains);
	return rc ? report(k) : KEEL_EXIT_OK;
}

const struct command cmd_top = {
	.name = "top",
	.args = "[OPTIONS]",
	.summary = "Shows again and again what domains use",
	.help =
	"On a terminal the keys n, c and m sort by name, CPU and memory, v shows vCPUs, q ends it.\n\n"
	"  -b, --batch        only print, for scripts\n"
	"  -i, --iterations N print N times; -n N does the same\n"
	"  -d, --delay N      wait N seconds between (3 without)\n"
	"  -v, --vcpus        show vCPUs, too\n"
	"  -s, --sort KEY     sort by name, cpu or memory\n",
	.run = run,
};
