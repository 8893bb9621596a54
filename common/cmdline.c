/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line's options: one table, one parser for each type. */
#include "common/cmdline.h"
#include "common/lib.h"
#include "common/printk.h"

#define WORD_LEN	128
#define COM1_PORT	0x3f8
#define COM1_BAUD	115200

struct options opt;

enum option_type {
	OPT_BOOL,	/* name, no-name, name=on|off|yes|no|true|false|1|0 */
	OPT_UINT,	/* name=N, @min..@max */
	OPT_SIZE,	/* name=N[K|M|G|T], bytes if without a letter, @min..@max */
	OPT_CHOICE,	/* name=WORD, one of @choices */
	OPT_COM1,	/* name=BAUD[,8n1[,PORT]] */
};

struct choice {
	const char *word;
	u32 value;
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset;		/* into struct options */
	u64 min, max;
	u64 initial;
	const struct choice *choices;
	const char *help;
};

static const struct choice console_choices[] = {
	{ "com1", CONSOLE_COM1 }, { "none", CONSOLE_NONE }, { NULL, 0 }
};

static const struct choice sched_choices[] = {
	{ "credit2", SCHED_CREDIT2 }, { "null", SCHED_NULL }, { NULL, 0 }
};

static const struct choice loglvl_choices[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARN }, { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { "all", LOG_DEBUG }, { NULL, 0 }
};

static const struct choice version_choices[] = {
	{ "4.17", 4u << 16 | 17 }, { "4.20", 4u << 16 | 20 }, { NULL, 0 }
};

#define FIELD(f) offsetof(struct options, f)

static const struct option options[] = {
	{ "com1", OPT_COM1, FIELD(com1_baud), 0, 0, COM1_BAUD, NULL,
	  "serial line: BAUD[,8n1[,PORT]], 115200,8n1,0x3f8 by default" },
	{ "console", OPT_CHOICE, FIELD(console), 0, 0, CONSOLE_COM1, console_choices,
	  "where messages go: com1 or none" },
	{ "dom0_max_vcpus", OPT_UINT, FIELD(dom0_max_vcpus), 1, 128, 0, NULL,
	  "virtual CPUs of Dom0, by default one for each host CPU" },
	{ "dom0_mem", OPT_SIZE, FIELD(dom0_mem), MiB(64), MiB(1) << 24, 0, NULL,
	  "memory of Dom0, by default nearly all: a number with K, M, G or T" },
	{ "iommu", OPT_BOOL, FIELD(iommu), 0, 0, true, NULL,
	  "off: run without IOMMU protection (development and emulators only)" },
	{ "loglvl", OPT_CHOICE, FIELD(loglvl), 0, 0, LOG_INFO, loglvl_choices,
	  "least important messages that are printed: error, warning, info, debug or all" },
	{ "maxcpus", OPT_UINT, FIELD(maxcpus), 1, 4096, 0, NULL,
	  "host CPUs to use, all by default" },
	{ "noreboot", OPT_BOOL, FIELD(noreboot), 0, 0, false, NULL,
	  "after a panic stop and leave the message on the screen" },
	{ "sched", OPT_CHOICE, FIELD(sched), 0, 0, SCHED_CREDIT2, sched_choices,
	  "scheduler: credit2, or null for one vCPU a host CPU" },
	{ "x2apic", OPT_BOOL, FIELD(x2apic), 0, 0, true, NULL,
	  "use the host's x2APIC mode where there is one" },
	{ "xen_version", OPT_CHOICE, FIELD(xen_version), 0, 0, 4u << 16 | 17, version_choices,
	  "version of Xen's interface that is reported: 4.17 or 4.20" },
};

static void set_field(const struct option *o, struct options *out, u64 value)
{
	void *field = (char *)out + o->offset;

	if (o->type == OPT_BOOL)
		*(bool *)field = value;
	else if (o->type == OPT_SIZE)
		*(u64 *)field = value;
	else
		*(u32 *)field = value;
}

/* The whole of @s as a number, with a unit's letter if @units. */
static bool parse_number(const char *s, bool units, u64 *value)
{
	static const char letters[] = "KMGT";
	const char *unit;
	char *end;
	u64 v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtoul(s, &end, 0);
	if (v == ~0ul)
		return false;
	unit = *end ? strchr(letters, *end & ~0x20) : NULL;
	if (units && unit && *unit) {
		unsigned int shift = 10 * (unit - letters + 1);

		if (v > ~0ull >> shift)
			return false;
		v <<= shift;
		end++;
	}
	*value = v;
	return !*end;
}

static bool parse_bool(const char *s, u64 *value)
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "0", "1" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i])) {
			*value = i & 1;
			return true;
		}
	return false;
}

static bool parse_choice(const struct choice *c, const char *s, u64 *value)
{
	for (; c->word; c++)
		if (!strcmp(s, c->word)) {
			*value = c->value;
			return true;
		}
	return false;
}

/* Cuts @s at its first comma; returns what follows, or NULL. */
static char *cut_comma(char *s)
{
	char *comma = strchr(s, ',');

	if (comma)
		*comma++ = '\0';
	return comma;
}

/* "auto" keeps the speed that the firmware set; the frame is 8n1 always. */
static bool parse_com1(char *s, struct options *out)
{
	char *frame = cut_comma(s), *port = frame ? cut_comma(frame) : NULL;
	u64 baud = 0, base = COM1_PORT;

	if (strcmp(s, "auto") &&
	    (!parse_number(s, false, &baud) || !baud || baud > COM1_BAUD || COM1_BAUD % baud))
		return false;
	if (frame && *frame && strcmp(frame, "8n1"))
		return false;
	if (port && (!parse_number(port, false, &base) || base < 0x100 || base > 0xfff8))
		return false;
	out->com1_baud = baud;
	out->com1_port = base;
	out->com1_given = true;
	return true;
}

/* Xen's `dom0_mem=4G,max:4G`: Dom0 cannot grow here, so the second size is only checked. */
static bool parse_size(char *s, u64 *value)
{
	char *max = cut_comma(s);
	u64 ignored;

	if (max && (strncmp(max, "max:", 4) || !parse_number(max + 4, true, &ignored)))
		return false;
	if (!strncmp(s, "max:", 4))
		s += 4;
	return parse_number(s, true, value);
}

static bool set_option(const struct option *o, char *value, struct options *out)
{
	u64 v = 0;
	bool ok = false;

	if (!value)
		return false;
	switch (o->type) {
	case OPT_BOOL:
		ok = parse_bool(value, &v);
		break;
	case OPT_UINT:
		ok = parse_number(value, false, &v) && v >= o->min && v <= o->max;
		break;
	case OPT_SIZE:
		ok = parse_size(value, &v) && v >= o->min && v <= o->max;
		break;
	case OPT_CHOICE:
		ok = parse_choice(o->choices, value, &v);
		break;
	case OPT_COM1:
		return parse_com1(value, out);
	}
	if (ok)
		set_field(o, out, v);
	return ok;
}

static const struct option *find_option(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(name, options[i].name))
			return &options[i];
	return NULL;
}

static void parse_word(char *word, struct options *out)
{
	char whole[WORD_LEN];
	const struct option *o;
	char *value = strchr(word, '=');
	bool negated = !strncmp(word, "no-", 3);

	memcpy(whole, word, strlen(word) + 1);
	if (value)
		*value++ = '\0';
	o = find_option(word);
	if (!o && negated && !value) {
		o = find_option(word + 3);
		if (o && o->type != OPT_BOOL)
			o = NULL;
	}
	if (!o) {
		pr_warn("command line: unknown option %s\n", whole);
		return;
	}
	if (o->type == OPT_BOOL && !value) {
		set_field(o, out, strcmp(word, o->name) == 0);
		return;
	}
	if (!set_option(o, value, out))
		pr_warn("command line: %s is not understood, left out (%s: %s)\n", whole, o->name,
			o->help);
}

void cmdline_parse(const char *line, struct options *o)
{
	char word[WORD_LEN];
	unsigned int i;
	size_t len;

	memset(o, 0, sizeof(*o));
	o->com1_port = COM1_PORT;
	for (i = 0; i < ARRAY_SIZE(options); i++)
		set_field(&options[i], o, options[i].initial);
	for (;;) {
		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			return;
		for (len = 0; line[len] && line[len] != ' ' && line[len] != '\t'; len++)
			;
		if (len >= sizeof(word)) {
			pr_warn("command line: a word of %u characters, left out\n", (u32)len);
		} else {
			memcpy(word, line, len);
			word[len] = '\0';
			parse_word(word, o);
		}
		line += len;
	}
}

bool cmdline_option(unsigned int index, const char **name, const char **help)
{
	if (index >= ARRAY_SIZE(options))
		return false;
	*name = options[index].name;
	*help = options[index].help;
	return true;
}
