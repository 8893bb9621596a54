/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_JSON_H
#define KEEL_LIB_JSON_H

#include <json-c/json.h>

/* A member of an object. NULL: there is none, or it is null, or @j is no object. */
static inline struct json_object *json_member(struct json_object *j, const char *key)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(j, key, &v);
	return v;
}

/* The same as a text, which is the object's; what is no text is as JSON writes it. */
static inline const char *json_text(struct json_object *j, const char *key)
{
	return json_object_get_string(json_member(j, key));
}

#endif
