/* SPDX-License-Identifier: GPL-2.0-only */
/* The check of the command line against the table of options. */
#include "common/cmdline.h"

#include "common/dom0_option.h"
#include "common/lib.h"
#include "common/option.h"
#include "common/printk.h"

#define WORD_LEN 128

static bool valid_number(const char *s, u64 min, u64 max)
{
	u64 v;

	return option_parse_number(s, &v) && v >= min && v <= max;
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
	u32 n, off;

	switch (o->type) {
	case OPTION_FLAG:
		return option_flag_value(value) >= 0;
	case OPTION_NUMBER:
		return valid_number(value, o->min, o->max);
	case OPTION_DOM0_MEM:
		return strlen(value) < DOM0_OPTION_LEN && dom0_mem_parse(value, GiB(1), GiB(1), &mem, &max);
	case OPTION_DOM0_VCPUS:
		return dom0_max_vcpus_parse(value, 1, &n);
	case OPTION_CHOICE:
		return find_word(value, o->words) >= 0;
	case OPTION_LIST:
		return option_list_parse(o, value, &n, &off);
	case OPTION_SERIAL:
		return valid_serial(value);
	}
	return false;
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
	o = option_find(word);
	if (!o && !value && !strncmp(word, "no-", 3)) {
		o = option_find(word + 3);
		o = o && o->type == OPTION_FLAG ? o : NULL;
	}
	if (!o) {
		pr_warn("command line: there is no option %s", whole);
		return 1;
	}
	if (value ? valid_value(o, value) : o->type == OPTION_FLAG)
		return 0;
	pr_warn("command line: %s cannot be used, %s stays at its default (%s); %s", whole,
		o->name, option_default(o), o->help);
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
