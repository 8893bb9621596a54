/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/oci.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/blob.h"
#include "lib/json.h"
#include "lib/sha256.h"
#include "lib/unpack.h"

#define LAYERS_MAX 256
/* What registries take; parsed, it may be many times as large. */
#define JSON_MAX (4u << 20)

/* "" stands for what is not there. */
static const char *text_of(struct json_object *j, const char *key)
{
	const char *text = json_text(j, key);

	return text ? text : "";
}

bool oci_is_layout(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/oci-layout", dir);
	return !access(path, F_OK);
}

#define SHA256 "sha256:"

/*
 * The part of an image with this digest, "sha256:HEX"; anything else could name any file. It is
 * what the digest says, so that whoever knows the digest of the manifest knows the whole.
 */
static int open_digest(struct keel *k, const char *dir, const char *digest, struct blob *b)
{
	const char *hex = digest + strlen(SHA256);
	char path[PATH_MAX], is[SHA256_TEXT];
	int rc;

	if (strncmp(digest, SHA256, strlen(SHA256)) || strlen(hex) != SHA256_TEXT - 1 ||
	    strspn(hex, "0123456789abcdef") != SHA256_TEXT - 1)
		return keel_fail(&k->err, EINVAL, "%s is no image: '%.80s' is no digest of SHA-256", dir,
				 digest);
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", dir, hex);
	rc = blob_open(b, path, "part of the image", &k->err);
	if (rc)
		return rc;
	sha256_text(b->data, b->size, is);
	if (!strcmp(is, hex))
		return 0;
	blob_free(b);
	return keel_fail(&k->err, EBADMSG, "%s is damaged, or another part of an image: its SHA-256 is %s",
			 path, is);
}

/* A parsed object, or NULL. */
static struct json_object *parse(struct keel *k, const char *dir, struct blob *b)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *j = t && b->size <= JSON_MAX ?
				json_tokener_parse_ex(t, (const char *)b->data, b->size) : NULL;

	if (!j)
		keel_fail(&k->err, EINVAL, "%s is no image: a part of it is no JSON of at most %u MiB", dir,
			  JSON_MAX >> 20);
	json_tokener_free(t);
	blob_free(b);
	return j;
}

/* The digest of the first manifest in an index that is for this kind of machine. */
static const char *choose(struct json_object *index)
{
	struct json_object *list = json_member(index, "manifests");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *for_cpu = text_of(json_member(one, "platform"), "architecture");

		if (!*for_cpu || !strcmp(for_cpu, "amd64"))
			return text_of(one, "digest");
	}
	return NULL;
}

/* An index may name another one, but not for ever. */
static struct json_object *find_manifest(struct keel *k, const char *dir)
{
	struct json_object *j = NULL, *next;
	char path[PATH_MAX];
	struct blob b;

	snprintf(path, sizeof(path), "%s/index.json", dir);
	if (blob_open(&b, path, "image", &k->err))
		return NULL;
	j = parse(k, dir, &b);
	for (int depth = 0; j && depth < 4; depth++) {
		const char *digest = choose(j);

		if (json_member(j, "layers"))
			return j;
		next = NULL;
		if (!digest)
			keel_fail(&k->err, EINVAL, "%s has no image for amd64", dir);
		else if (!open_digest(k, dir, digest, &b))
			next = parse(k, dir, &b);
		json_object_put(j);
		j = next;
	}
	if (j)
		keel_fail(&k->err, EINVAL, "%s is no image: its index names indexes", dir);
	json_object_put(j);
	return NULL;
}

static int add_layer(struct tar_tree *t, struct cpio *c, const char *dir, const char *digest,
		     struct blob *layer)
{
	struct blob packed;
	int rc = open_digest(t->k, dir, digest, &packed);

	if (rc)
		return rc;
	rc = unpack_whole(&packed, layer, &t->k->err);
	if (!rc && layer->kind == BLOB_BORROWED) {
		*layer = packed;
	} else {
		blob_free(&packed);
		rc = rc ? rc : cpio_hold(c, layer->size);
	}
	return rc ? rc : tar_add_layer(t, layer->data, layer->size);
}

int oci_tree(struct cpio *c, const char *dir)
{
	struct json_object *manifest = find_manifest(c->k, dir), *layers = json_member(manifest, "layers");
	struct tar_tree t = { .k = c->k, .c = c };
	struct blob layer[LAYERS_MAX] = { 0 };
	size_t n;
	int rc = 0;

	if (!manifest)
		return -c->k->err.code;
	n = json_object_is_type(layers, json_type_array) ? json_object_array_length(layers) : 0;
	if (!n || n > LAYERS_MAX)
		rc = keel_fail(&c->k->err, EINVAL, "%s is no image with 1 to %d layers", dir, LAYERS_MAX);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_layer(&t, c, dir, text_of(json_object_array_get_idx(layers, i), "digest"), &layer[i]);
	if (!rc)
		rc = tar_write(&t, c);
	tar_free(&t);
	for (size_t i = 0; i < LAYERS_MAX; i++)
		blob_free(&layer[i]);
	json_object_put(manifest);
	return rc;
}
