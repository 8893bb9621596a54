/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of boot options, and the check of the command line against it. */
#include "common/cmdline.h"

#include "common/dom0_option.h"
#include "common/lib.h"
#include "common/option.h"
#include "common/printk.h"

#define WORD_LEN 128

enum option_type {
	OPT_FLAG,	/* name, no-name, name=on|off|yes|no|true|false|1|0 */
	OPT_NUMBER,	/* name=N, min..max */
	OPT_DOM0_MEM,	/* as dom0_mem_parse() takes it */
	OPT_DOM0_VCPUS,	/* as dom0_max_vcpus_parse() takes it */
	OPT_CHOICE,	/* name=WORD, one of the words */
	OPT_SERIAL,	/* name=off, or BAUD[,8n1[,PORT[,IRQ]]] */
};

struct option {
	const char *name;
	enum option_type type;
	u64 min, max;
	const char *words;	/* OPT_CHOICE, separated by spaces */
	const char *dflt, *help;
};

static const struct option options[] = {
	{ "apicv", OPT_FLAG, 0, 0, NULL, "on if there are posted interrupts",
	  "the CPU delivers virtual interrupts by itself (VMX)" },
	{ "com1", OPT_SERIAL, 0, 0, NULL, "115200,8n1,0x3f8,4",
	  "the serial line: BAUD[,8n1[,PORT[,IRQ]]], or off" },
	{ "console", OPT_CHOICE, 0, 0, "com1 none", "com1",
	  "where messages go: com1 or none" },
	{ "dom0_max_vcpus", OPT_DOM0_VCPUS, 0, 0, NULL, "one for each host CPU",
	  "virtual CPUs of Dom0: N, or MIN-MAX, 1 to 128" },
	{ "dom0_mem", OPT_DOM0_MEM, 0, 0, NULL, "a quarter of the memory, 512M to 4G",
	  "memory of Dom0: SIZE, min:SIZE, max:SIZE, such as 1G or 25%, 96M at least" },
	{ "iommu", OPT_FLAG, 0, 0, NULL, "on",
	  "off: run without IOMMU protection (development and emulators only)" },
	{ "loglvl", OPT_CHOICE, 0, 0, "error warning info debug all", "info",
	  "the least important messages that are printed: error, warning, info, debug or all" },
	{ "maxcpus", OPT_NUMBER, 1, 4096, NULL, "all",
	  "host CPUs to use" },
	{ "noreboot", OPT_FLAG, 0, 0, NULL, "off",
	  "after a panic stop and leave the message on the screen" },
	{ "sched", OPT_CHOICE, 0, 0, "credit2 null", "credit2",
	  "the scheduler: credit2, or null for one vCPU a host CPU" },
	{ "xen_version", OPT_CHOICE, 0, 0, "4.17 4.20", "4.17",
	  "the version of Xen's interface that is reported: 4.17 or 4.20" },
};

static bool valid_number(const char *s, u64 min, u64 max)
{
	u64 v;

	return option_parse_number(s, &v) && v >= min && v <= max;
}

static bool valid_word(const char *words, const char *s, size_t len)
{
	const char *end;

	for (; *words; words = *end ? end + 1 : end) {
		end = strchr(words, ' ');
		if (!end)
			end = words + strlen(words);
		if ((size_t)(end - words) == len && !strncmp(words, s, len))
			return true;
	}
	return false;
}

/* Cuts @s at its first comma; returns what follows, or NULL. */
static char *cut_comma(char *s)
{
	char *comma = s ? strchr(s, ',') : NULL;

	if (comma)
		*comma++ = '\0';
	return comma;
}

static bool valid_serial(char *s)
{
	char *frame = cut_comma(s), *port = cut_comma(frame), *irq = cut_comma(port);

	if (!strcmp(s, "off") && !frame)
		return true;
	if (!valid_number(s, 1, 115200) || 115200 % strtoul(s, NULL, 0))
		return false;
	if (frame && *frame && strcmp(frame, "8n1"))
		return false;
	if (port && *port && !valid_number(port, 0x100, 0xfff8))
		return false;
	return !irq || !*irq || valid_number(irq, 1, 15);
}

static bool valid_value(const struct option *o, char *value)
{
	u64 mem, max;
	u32 n;

	switch (o->type) {
	case OPT_FLAG:
		return valid_word("on off yes no true false 1 0", value, strlen(value));
	case OPT_NUMBER:
		return valid_number(value, o->min, o->max);
	case OPT_DOM0_MEM:
		return strlen(value) < DOM0_OPTION_LEN && dom0_mem_parse(value, GiB(1), GiB(1), &mem, &max);
	case OPT_DOM0_VCPUS:
		return dom0_max_vcpus_parse(value, 1, &n);
	case OPT_CHOICE:
		return valid_word(o->words, value, strlen(value));
	case OPT_SERIAL:
		return valid_serial(value);
	}
	return false;
}

static const struct option *find_option(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(name, options[i].name))
			return &options[i];
	return NULL;
}

/* Returns 1 after a warning, else 0. */
static unsigned int check_word(char *word)
{
	char whole[WORD_LEN];
	char *value = strchr(word, '=');
	const struct option *o;

	memcpy(whole, word, strlen(word) + 1);
	if (value)
		*value++ = '\0';
	o = find_option(word);
	if (!o && !value && !strncmp(word, "no-", 3)) {
		o = find_option(word + 3);
		o = o && o->type == OPT_FLAG ? o : NULL;
	}
	if (!o) {
		pr_warn("command line: there is no option %s", whole);
		return 1;
	}
	if (value ? valid_value(o, value) : o->type == OPT_FLAG)
		return 0;
	pr_warn("command line: %s cannot be used, %s stays at its default (%s); %s", whole,
		o->name, o->dflt, o->help);
	return 1;
}

unsigned int cmdline_check(void)
{
	const char *line = option_cmdline();
	unsigned int warnings = 0;
	char word[WORD_LEN];
	size_t len;

	for (;; line += len) {
		while (*line == ' ' || *line == '\t')
			line++;
		if (!*line)
			return warnings;
		for (len = 0; line[len] && line[len] != ' ' && line[len] != '\t'; len++)
			;
		if (len >= sizeof(word)) {
			pr_warn("command line: a word of %u characters is no option", (u32)len);
			warnings++;
			continue;
		}
		memcpy(word, line, len);
		word[len] = '\0';
		warnings += check_word(word);
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
