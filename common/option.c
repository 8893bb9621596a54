/* SPDX-License-Identifier: GPL-2.0-only */
/* Boot options. */
#include "common/option.h"

#include "common/lib.h"

#define NAME_LEN 64

static char cmdline[OPTION_CMDLINE_LEN];

void option_init(const char *line)
{
	size_t len = strnlen(line, sizeof(cmdline) - 1);

	memcpy(cmdline, line, len);
	cmdline[len] = '\0';
}

const char *option_cmdline(void)
{
	return cmdline;
}

static void copy_cut(char *dst, size_t size, const char *src, size_t len)
{
	len = min(len, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
}

bool option_next(unsigned int *pos, char *name, char *value, size_t size)
{
	const char *p = cmdline + *pos, *end, *eq;

	while (*p == ' ' || *p == '\t')
		p++;
	for (end = p; *end && *end != ' ' && *end != '\t'; end++)
		;
	*pos = (unsigned int)(end - cmdline);
	if (end == p)
		return false;
	eq = memchr(p, '=', (size_t)(end - p));
	copy_cut(name, size, p, (size_t)((eq ? eq : end) - p));
	copy_cut(value, size, eq ? eq + 1 : end, eq ? (size_t)(end - eq - 1) : 0);
	return true;
}

bool option_string(const char *name, char *buf, size_t size)
{
	char n[NAME_LEN], v[NAME_LEN];
	unsigned int pos = 0;
	bool found = false;

	buf[0] = '\0';
	while (option_next(&pos, n, v, sizeof(n))) {
		if (strcmp(n, name) != 0)
			continue;
		found = true;
		copy_cut(buf, size, v, strlen(v));
	}
	return found;
}

static bool one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

bool option_flag(const char *name, bool dflt)
{
	static const char *const on[] = { "", "on", "yes", "true", "1", NULL };
	static const char *const off[] = { "off", "no", "false", "0", NULL };
	char n[NAME_LEN], v[NAME_LEN];
	unsigned int pos = 0;
	bool result = dflt;

	while (option_next(&pos, n, v, sizeof(n))) {
		if (strncmp(n, "no-", 3) == 0 && strcmp(n + 3, name) == 0 && !v[0])
			result = false;
		else if (strcmp(n, name) == 0 && one_of(v, on))
			result = true;
		else if (strcmp(n, name) == 0 && one_of(v, off))
			result = false;
	}
	return result;
}

bool option_parse_number(const char *s, u64 *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*n = strtoul(s, &end, 0);
	return !*end && *n != ~0ull;
}

u64 option_number(const char *name, u64 dflt)
{
	char v[NAME_LEN];
	u64 n;

	return option_string(name, v, sizeof(v)) && option_parse_number(v, &n) ? n : dflt;
}

int option_choice(const char *name, const char *const *words, int dflt)
{
	char v[NAME_LEN];

	if (!option_string(name, v, sizeof(v)))
		return dflt;
	for (int i = 0; words[i]; i++)
		if (strcmp(v, words[i]) == 0)
			return i;
	return dflt;
}
