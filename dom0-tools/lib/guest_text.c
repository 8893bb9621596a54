/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's configuration as the lines of a file: from its JSON, so that nothing is in one and not
 * in the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/guest.h"

static void write_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		if ((unsigned char)*s < ' ')
			fprintf(out, *s == '\n' ? "\\n" : "\\x%02x", *s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static void write_value(FILE *out, const struct cfg_value *v)
{
	if (v->type == CFG_INTEGER) {
		fputs(v->string, out);
	} else if (v->type == CFG_STRING) {
		write_string(out, v->string);
	} else {
		fputc('[', out);
		for (size_t i = 0; i < v->items; i++) {
			fputs(i ? ", " : " ", out);
			write_value(out, v->item[i]);
		}
		fputs(" ]", out);
	}
}

char *guest_to_text(const struct guest_config *g)
{
	struct json_object *j = guest_to_json(g);
	struct keel_error e;
	struct cfg c;
	char *text = NULL;
	size_t size;
	FILE *out;
	int rc;

	rc = guest_json_to_cfg(&c, j, "", &e);
	json_object_put(j);
	if (rc)
		return NULL;
	out = open_memstream(&text, &size);
	for (size_t i = 0; out && i < c.settings; i++) {
		/* Negative numbers need quotes for xl. */
		fprintf(out, "%s = ", c.setting[i].name);
		if (c.setting[i].value->type == CFG_INTEGER && c.setting[i].value->integer < 0)
			write_string(out, c.setting[i].value->string);
		else
			write_value(out, c.setting[i].value);
		fputc('\n', out);
	}
	cfg_free(&c);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
