/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/cfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *p, *end, *name;
	unsigned int line;
	struct keel_error *e;
};

const char *cfg_type_name(enum cfg_type type)
{
	return type == CFG_STRING ? "a string" : type == CFG_INTEGER ? "an integer" : "a list";
}

static void value_free(struct cfg_value *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->items; i++)
		value_free(v->item[i]);
	free(v->item);
	free(v->string);
	free(v);
}

void cfg_free(struct cfg *c)
{
	for (size_t i = 0; i < c->settings; i++) {
		free(c->setting[i].name);
		value_free(c->setting[i].value);
	}
	free(c->setting);
	*c = (struct cfg){ 0 };
}

static int no_memory(struct parser *s)
{
	return keel_fail(s->e, ENOMEM, "%s:%u: no memory", s->name, s->line);
}

static int peek(const struct parser *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

/* Skips blanks and comments, and line ends as well if @lines. */
static void skip(struct parser *s, bool lines)
{
	for (; s->p < s->end; s->p++) {
		if (*s->p == '#') {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
			if (s->p == s->end)
				return;
		}
		if (*s->p == '\n') {
			if (!lines)
				return;
			s->line++;
		} else if (*s->p != ' ' && *s->p != '\t' && *s->p != '\r') {
			return;
		}
	}
}

static int unexpected(struct parser *s, const char *wanted)
{
	int c = peek(s);

	if (c < 0)
		return keel_fail(s->e, EINVAL, "%s:%u: the file ends where %s is expected",
				 s->name, s->line, wanted);
	if (c == '\n')
		return keel_fail(s->e, EINVAL, "%s:%u: the line ends where %s is expected",
				 s->name, s->line, wanted);
	if (isprint(c))
		return keel_fail(s->e, EINVAL, "%s:%u: '%c' where %s is expected", s->name,
				 s->line, c, wanted);
	return keel_fail(s->e, EINVAL, "%s:%u: byte 0x%02x where %s is expected", s->name, s->line,
			 c, wanted);
}

/* One character of a string, after the backslash. */
static int escape(struct parser *s, char *out)
{
	static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
	const char *at;
	char hex[3] = "";
	int c = peek(s);

	if (c == 'x' && s->end - s->p >= 3 && isxdigit((unsigned char)s->p[1]) &&
	    isxdigit((unsigned char)s->p[2])) {
		memcpy(hex, s->p + 1, 2);
		*out = strtoul(hex, NULL, 16);
		s->p += 3;
		if (!*out)
			return keel_fail(s->e, EINVAL, "%s:%u: \\x00 cannot be part of a string",
					 s->name, s->line);
		return 0;
	}
	at = c > 0 ? strchr(from, c) : NULL;
	if (!at)
		return keel_fail(s->e, EINVAL, "%s:%u: unknown escape \\%c in a string (a backslash "
				 "itself is \\\\)", s->name, s->line, isprint(c) ? c : '?');
	*out = to[at - from];
	s->p++;
	return 0;
}

static int parse_string(struct parser *s, struct cfg_value *v)
{
	char quote = *s->p++, *fit;
	size_t n = 0;

	v->type = CFG_STRING;
	v->string = malloc(s->end - s->p + 1);
	if (!v->string)
		return no_memory(s);
	while (s->p < s->end && *s->p != quote) {
		if (*s->p == '\n' || !*s->p)
			break;
		if (*s->p == '\\') {
			s->p++;
			if (escape(s, &v->string[n++]))
				return -EINVAL;
		} else {
			v->string[n++] = *s->p++;
		}
	}
	if (peek(s) != quote)
		return keel_fail(s->e, EINVAL, "%s:%u: the string that starts here has no closing %c",
				 s->name, v->line, quote);
	s->p++;
	v->string[n] = 0;
	/* It had room for the rest of the file, which many texts would keep many times. */
	fit = realloc(v->string, n + 1);
	if (fit)
		v->string = fit;
	return 0;
}

static int parse_integer(struct parser *s, struct cfg_value *v)
{
	char digits[32];
	char *end;
	size_t n = 0;

	while (n < sizeof(digits) - 1 && s->p < s->end &&
	       (isalnum((unsigned char)*s->p) || *s->p == '-' || *s->p == '.' || *s->p == '_'))
		digits[n++] = *s->p++;
	digits[n] = 0;
	v->type = CFG_INTEGER;
	errno = 0;
	v->integer = strtoll(digits, &end, 0);
	/* Hexadecimal digits that are no integer need no quotes for libxlutil. */
	if (*end && isdigit((unsigned char)*digits) && strspn(digits, "0123456789abcdefx") == n)
		v->type = CFG_STRING;
	else if (errno || *end || end == digits)
		return keel_fail(s->e, EINVAL, "%s:%u: '%s' is no integer (a text needs quotes)",
				 s->name, v->line, digits);
	v->string = strdup(digits);
	return v->string ? 0 : no_memory(s);
}

static int parse_value(struct parser *s, struct cfg_value **out, unsigned int depth);

static int parse_list(struct parser *s, struct cfg_value *v, unsigned int depth)
{
	int rc;

	v->type = CFG_LIST;
	if (depth == CFG_MAX_DEPTH)
		return keel_fail(s->e, EINVAL, "%s:%u: lists are nested too deeply", s->name, s->line);
	s->p++;
	for (;;) {
		struct cfg_value **grown;

		skip(s, true);
		if (peek(s) == ']')
			break;
		grown = realloc(v->item, (v->items + 1) * sizeof(*grown));
		if (!grown)
			return no_memory(s);
		v->item = grown;
		rc = parse_value(s, &v->item[v->items], depth + 1);
		if (rc)
			return rc;
		v->items++;
		skip(s, true);
		if (peek(s) == ',')
			s->p++;
		else if (peek(s) != ']')
			return unexpected(s, "a comma or the list's closing bracket");
	}
	s->p++;
	return 0;
}

static int parse_value(struct parser *s, struct cfg_value **out, unsigned int depth)
{
	struct cfg_value *v = calloc(1, sizeof(*v));
	int c = peek(s);
	int rc;

	if (!v)
		return no_memory(s);
	v->line = s->line;
	if (c == '"' || c == '\'')
		rc = parse_string(s, v);
	else if (c == '[')
		rc = parse_list(s, v, depth);
	else if (c == '-' || isalnum(c))
		rc = parse_integer(s, v);
	else
		rc = unexpected(s, "a value (a quoted string, an integer, or a list in brackets)");
	if (rc)
		value_free(v);
	else
		*out = v;
	return rc;
}

static int append(struct parser *s, struct cfg_value *to, struct cfg_value *v)
{
	void *grown;

	if ((to->type == CFG_LIST) != (v->type == CFG_LIST))
		return keel_fail(s->e, EINVAL, "%s:%u: += can add a string to a string or a list to a "
				 "list, not %s to %s", s->name, v->line, cfg_type_name(v->type),
				 cfg_type_name(to->type));
	if (to->type != CFG_LIST) {
		size_t a = strlen(to->string), b = strlen(v->string);

		grown = realloc(to->string, a + b + 1);
		if (!grown)
			return no_memory(s);
		to->type = CFG_STRING;
		to->string = grown;
		memcpy(to->string + a, v->string, b + 1);
		return 0;
	}
	grown = realloc(to->item, (to->items + v->items + 1) * sizeof(*to->item));
	if (!grown)
		return no_memory(s);
	to->item = grown;
	for (size_t i = 0; i < v->items; i++)
		to->item[to->items++] = v->item[i];
	v->items = 0;
	return 0;
}

static struct cfg_setting *find(struct cfg *c, const char *name)
{
	for (size_t i = 0; i < c->settings; i++)
		if (!strcmp(c->setting[i].name, name))
			return &c->setting[i];
	return NULL;
}

/* Takes over @name and @v, also on failure. */
static int store(struct parser *s, struct cfg *c, char *name, unsigned int line,
		 struct cfg_value *v, bool add)
{
	struct cfg_setting *old = find(c, name), *grown;
	int rc = 0;

	if (old && add) {
		rc = append(s, old->value, v);
		value_free(v);
		free(name);
		return rc;
	}
	if (old) {
		value_free(old->value);
		free(name);
		old->before = old->line;
		old->line = line;
		old->value = v;
		old->add = false;
		return 0;
	}
	grown = realloc(c->setting, (c->settings + 1) * sizeof(*grown));
	if (!grown) {
		value_free(v);
		free(name);
		return no_memory(s);
	}
	c->setting = grown;
	c->setting[c->settings++] = (struct cfg_setting){ name, s->name, line, v, 0, add };
	return 0;
}

static int parse_setting(struct parser *s, struct cfg *c)
{
	const char *start = s->p;
	unsigned int line = s->line;
	struct cfg_value *v;
	bool add = false;
	char *name;
	int rc;

	while (s->p < s->end && (isalnum((unsigned char)*s->p) || *s->p == '_' || *s->p == '-'))
		s->p++;
	if (s->p == start || isdigit((unsigned char)*start)) {
		s->p = start;
		return unexpected(s, "the name of a setting");
	}
	name = strndup(start, s->p - start);
	if (!name)
		return no_memory(s);
	skip(s, false);
	if (peek(s) == '+' && s->end - s->p > 1 && s->p[1] == '=') {
		add = true;
		s->p++;
	}
	if (peek(s) != '=') {
		free(name);
		return unexpected(s, "an = sign");
	}
	s->p++;
	skip(s, false);
	rc = parse_value(s, &v, 0);
	if (rc) {
		free(name);
		return rc;
	}
	rc = store(s, c, name, line, v, add);
	if (rc)
		return rc;
	skip(s, false);
	if (s->p == s->end || *s->p == '\n' || *s->p == ';')
		return 0;
	return unexpected(s, "the end of the line");
}

int cfg_parse(struct cfg *c, const char *text, size_t size, const char *name,
	      struct keel_error *e)
{
	struct parser s = { .p = text, .end = text + size, .name = name, .line = 1, .e = e };
	int rc;

	*c = (struct cfg){ 0 };
	if (size > CFG_MAX_SIZE)
		return keel_fail(e, EFBIG, "%s: %zu bytes are too much for a configuration", name, size);
	for (;;) {
		skip(&s, true);
		if (s.p == s.end)
			return 0;
		if (*s.p == ';') {
			s.p++;
			continue;
		}
		rc = parse_setting(&s, c);
		if (rc) {
			cfg_free(c);
			return rc;
		}
	}
}

/* To a value of other lines, or of JSON. */
static int add_to(struct cfg_setting *old, struct cfg_setting *new, struct keel_error *e)
{
	struct parser s = { .name = new->from, .line = new->line, .e = e };

	/* A list is told as its file's: the line of an entry from elsewhere would name another one. */
	for (size_t i = 0; i < new->value->items; i++)
		new->value->item[i]->line = 0;
	return append(&s, old->value, new->value);
}

int cfg_replace(struct cfg *c, struct cfg *over, struct keel_error *e)
{
	struct cfg_setting *grown = realloc(c->setting,
					    (c->settings + over->settings + 1) * sizeof(*grown));

	if (!grown)
		return keel_fail(e, ENOMEM, "no memory");
	c->setting = grown;
	for (size_t i = 0; i < over->settings; i++) {
		struct cfg_setting *old = find(c, over->setting[i].name), spare;

		if (!old) {
			c->setting[c->settings++] = over->setting[i];
			over->setting[i] = (struct cfg_setting){ 0 };
			continue;
		}
		if (over->setting[i].add) {
			int rc = add_to(old, &over->setting[i], e);

			if (rc)
				return rc;
			continue;
		}
		spare = *old;
		*old = over->setting[i];
		over->setting[i] = spare;	/* freed with the rest of @over */
	}
	return 0;
}
