/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Archives of tar(5), as layers of images have them: ustar, with GNU's and pax' long names. A later
 * layer's files take the place of earlier ones; names that begin with ".wh." take files away.
 */
#include "lib/oci.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BLOCK 512
#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
/* What the heap and tsearch() take for a file beside its path and itself. */
#define NODE_SIZE 96

struct tar_file {
	char *path;
	char *link;			/* a symbolic link's, else NULL */
	struct stat st;
	const unsigned char *data;
	unsigned int layer;
	bool gone;
};

/* One header, and what those before it say of it. */
struct tar_head {
	char *path, *link;		/* to be freed, or NULL */
	uint64_t size, pax_size;
	bool has_size;
	const unsigned char *at;
};

struct tar_walk {
	struct tar_tree *t;
	struct cpio *c;
	const char *path;		/* what is in it goes */
	bool itself;			/* and it, too */
	int rc;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tar_file *)a)->path, ((const struct tar_file *)b)->path);
}

static int damaged(struct tar_tree *t)
{
	return keel_fail(&t->k->err, EINVAL, "layer %u of the image is damaged", t->layer);
}

/* Digits in octal, or as GNU writes numbers that are too large for them. */
static uint64_t number(const unsigned char *p, size_t size)
{
	uint64_t n = 0;

	if (*p & 0x80) {
		for (size_t i = 1; i < size; i++)
			n = n << 8 | p[i];
		return n;
	}
	for (size_t i = 0; i < size && p[i] && (p[i] == ' ' || (p[i] >= '0' && p[i] <= '7')); i++)
		n = p[i] == ' ' ? n : n << 3 | (p[i] - '0');
	return n;
}

/* Without what leads nowhere or out of the root: "" is the root itself, NULL refuses it. */
static char *clean(char *path)
{
	char *out = path, *rest = path, *word;

	if (!path)
		return NULL;
	while ((word = strsep(&rest, "/"))) {
		if (!*word || !strcmp(word, "."))
			continue;
		if (!strcmp(word, ".."))
			return NULL;
		if (out != path)
			*out++ = '/';
		memmove(out, word, strlen(word) + 1);
		out += strlen(out);
	}
	*out = 0;
	return path;
}

static struct tar_file *find(struct tar_tree *t, const char *path)
{
	struct tar_file key = { .path = (char *)path };
	struct tar_file **f = tfind(&key, &t->root, by_path);

	return f && !(*f)->gone ? *f : NULL;
}

/*
 * NULL with the reason. What it takes counts as the root's: a long path is one of many folders, and
 * the names of them all are many times as long.
 */
static struct tar_file *make(struct tar_tree *t, const char *path)
{
	struct tar_file *f, **there;

	if (cpio_hold(t->c, sizeof(*f) + NODE_SIZE + strlen(path)))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f)
		f->path = strdup(path);
	there = f && f->path ? tsearch(f, &t->root, by_path) : NULL;
	if (!there) {
		keel_fail(&t->k->err, ENOMEM, "no memory");
	} else if (*there == f) {
		return f;
	} else {
		struct tar_file *old = *there;

		free(old->link);
		*old = (struct tar_file){ .path = old->path };
	}
	if (f)
		free(f->path);
	free(f);
	return there ? *there : NULL;
}

static void remove_one(const void *node, VISIT visit, void *arg)
{
	struct tar_file *f = *(struct tar_file *const *)node;
	const struct tar_walk *w = arg;
	size_t n = strlen(w->path);

	if (visit != postorder && visit != leaf)
		return;
	/* A layer takes away only what is below it. */
	if (f->layer < w->t->layer && !strncmp(f->path, w->path, n) &&
	    (!n || f->path[n] == '/' || (w->itself && !f->path[n])))
		f->gone = true;
}

static void take_away(struct tar_tree *t, const char *path, bool itself)
{
	twalk_r(t->root, remove_one, &(struct tar_walk){ .t = t, .path = path, .itself = itself });
}

/* Whether the name takes files away instead of being one. */
static bool white_out(struct tar_tree *t, char *path)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool itself = strcmp(name, OPAQUE);

	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)))
		return false;
	if (itself)
		memmove(name, name + strlen(WHITEOUT), strlen(name) - strlen(WHITEOUT) + 1);
	else
		*(slash ? slash : path) = 0;
	take_away(t, path, itself);
	return true;
}

/* Folders that no layer has. */
static int make_parents(struct tar_tree *t, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct tar_file *f;

		*slash = 0;
		f = find(t, path);
		if (!f) {
			f = make(t, path);
			if (f) {
				f->st.st_mode = S_IFDIR | 0755;
				f->layer = t->layer;
			}
		}
		*slash = '/';
		if (!f)
			return -t->k->err.code;
	}
	return 0;
}

static mode_t mode_of(char type)
{
	switch (type) {
	case '2': return S_IFLNK;
	case '3': return S_IFCHR;
	case '4': return S_IFBLK;
	case '5': return S_IFDIR;
	case '6': return S_IFIFO;
	default: return S_IFREG;
	}
}

/* Another name of a file is a copy of it. */
static int add_link(struct tar_tree *t, const char *path, char *to)
{
	const struct tar_file *old = clean(to) ? find(t, to) : NULL;
	struct tar_file copy, *f;

	if (!old || S_ISDIR(old->st.st_mode))
		return damaged(t);
	copy = *old;
	if (!strcmp(old->path, path))
		return 0;
	f = cpio_hold(t->c, copy.link ? strlen(copy.link) : 0) ? NULL : make(t, path);
	if (!f)
		return -t->k->err.code;
	copy.path = f->path;
	copy.layer = t->layer;
	if (copy.link)
		copy.link = strdup(copy.link);
	if (old->link && !copy.link)
		return keel_fail(&t->k->err, ENOMEM, "no memory");
	*f = copy;
	return 0;
}

static int add_file(struct tar_tree *t, struct tar_head *h, const unsigned char *data)
{
	const unsigned char *p = h->at;
	char type = p[156];
	struct tar_file *f;
	int rc;

	if (!clean(h->path) || !h->link)
		return damaged(t);
	if (!*h->path || white_out(t, h->path))
		return 0;
	rc = make_parents(t, h->path);
	f = find(t, h->path);
	if (f && S_ISDIR(f->st.st_mode) && type != '5')
		take_away(t, h->path, false); /* what was in the folder that this is in place of */
	if (rc || type == '1')
		return rc ? rc : add_link(t, h->path, h->link);
	f = make(t, h->path);
	if (!f)
		return -t->k->err.code;
	f->layer = t->layer;
	f->st = (struct stat){
		.st_mode = mode_of(type) | (number(p + 100, 8) & 07777), .st_uid = number(p + 108, 8),
		.st_gid = number(p + 116, 8), .st_mtime = number(p + 136, 12),
		.st_rdev = makedev(number(p + 329, 8), number(p + 337, 8)),
	};
	if (S_ISREG(f->st.st_mode)) {
		f->st.st_size = h->size;
		f->data = data;
	}
	if (S_ISLNK(f->st.st_mode)) {
		f->link = h->link;
		h->link = NULL;
		return cpio_hold(t->c, strlen(f->link));
	}
	return 0;
}

/* Records "LENGTH KEY=VALUE\n" that hold for the next file. */
static int read_pax(struct tar_tree *t, struct tar_head *h, const unsigned char *data, size_t size)
{
	while (size) {
		const char *text = (const char *)data, *space = memchr(data, ' ', size), *equals;
		size_t n = 0;
		char **to;

		for (const char *p = text; space && p < space && *p >= '0' && *p <= '9' && n <= size; p++)
			n = n * 10 + *p - '0';
		if (!space || n > size || n < (size_t)(space - text) + 3 || text[n - 1] != '\n')
			return damaged(t);
		equals = memchr(space, '=', text + n - space);
		if (!equals)
			return damaged(t);
		to = NULL;
		if (!strncmp(space, " path=", 6))
			to = &h->path;
		if (!strncmp(space, " linkpath=", 10))
			to = &h->link;
		if (to) {
			free(*to);
			*to = strndup(equals + 1, text + n - 1 - equals - 1);
		} else if (!strncmp(space, " size=", 6)) {
			h->pax_size = strtoull(equals + 1, NULL, 10);
			h->has_size = true;
		}
		data += n;
		size -= n;
	}
	return 0;
}

static char *long_name(const unsigned char *p)
{
	char *name = NULL;

	/* What GNU's own format has there is no part of the name. */
	if (!memcmp(p + 257, "ustar\0", 6) && p[345])
		return asprintf(&name, "%.155s/%.100s", p + 345, p) < 0 ? NULL : name;
	return strndup((const char *)p, 100);
}

/* A header that says something of the next one, or a file. */
static int add(struct tar_tree *t, struct tar_head *h, const unsigned char *data)
{
	int rc;

	switch (h->at[156]) {
	case 'x':
		return read_pax(t, h, data, h->size);
	case 'L':
		free(h->path);
		h->path = strndup((const char *)data, h->size);
		return 0;
	case 'K':
		free(h->link);
		h->link = strndup((const char *)data, h->size);
		return 0;
	case 'g':
		return 0;
	}
	if (!h->path)
		h->path = long_name(h->at);
	if (!h->link)
		h->link = strndup((const char *)h->at + 157, 100);
	rc = add_file(t, h, data);
	free(h->path);
	free(h->link);
	*h = (struct tar_head){ 0 };
	return rc;
}

static bool is_sound(const unsigned char *p)
{
	unsigned int sum = 8 * ' ';

	for (unsigned int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : p[i];
	return sum == number(p + 148, 8);
}

int tar_add_layer(struct tar_tree *t, const unsigned char *data, size_t size)
{
	struct tar_head h = { 0 };
	size_t at = 0;
	int rc = 0;

	t->layer++;
	while (!rc && at + BLOCK <= size && data[at]) {
		bool about_next = strchr("xgLK", data[at + 156]) && data[at + 156];

		if (keel_interrupted(t->k)) {
			rc = -EINTR;
			break;
		}
		h.at = data + at;
		h.size = h.has_size && !about_next ? h.pax_size : number(h.at + 124, 12);
		at += BLOCK;
		if (!is_sound(h.at) || h.size > size - at) {
			rc = damaged(t);
			break;
		}
		at += (h.size + BLOCK - 1) / BLOCK * BLOCK;
		rc = at > size ? damaged(t) : add(t, &h, h.at + BLOCK);
	}
	free(h.path);
	free(h.link);
	return rc;
}

static void write_one(const void *node, VISIT visit, void *arg)
{
	const struct tar_file *f = *(struct tar_file *const *)node;
	struct tar_walk *w = arg;
	bool is_link = S_ISLNK(f->st.st_mode);

	if ((visit != postorder && visit != leaf) || f->gone || w->rc)
		return;
	w->rc = cpio_entry(w->c, f->path, &f->st, is_link ? (const void *)f->link : f->data,
			   is_link ? strlen(f->link) : (size_t)f->st.st_size);
}

/* In the order of paths: folders come before what is in them. */
int tar_write(struct tar_tree *t, struct cpio *c)
{
	struct tar_walk w = { .t = t, .c = c };

	twalk_r(t->root, write_one, &w);
	return w.rc;
}

static void free_one(void *node)
{
	struct tar_file *f = node;

	free(f->path);
	free(f->link);
	free(f);
}

void tar_free(struct tar_tree *t)
{
	tdestroy(t->root, free_one);
	t->root = NULL;
}
