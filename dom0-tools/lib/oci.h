/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_OCI_H
#define KEEL_LIB_OCI_H

#include "lib/cpio.h"

/*
 * Images of containers in the layout of the OCI's Image Format Specification. They may be
 * anybody's: nothing of them is written to a file system of this machine.
 */

/* Whether @dir is one. */
bool oci_is_layout(const char *dir);
/* The files of the first image for this kind of machine, with all of its layers. */
int oci_tree(struct cpio *c, const char *dir);

/* tar.c: files by their paths, which have neither slashes at their ends nor "..". */
struct tar_tree {
	struct keel *k;
	struct cpio *c;			/* what the tree takes is held by it */
	void *root;			/* of tsearch(3) */
	unsigned int layer;
};

/* The files of a layer that is not packed. @data has to stay until the tree is freed. */
int tar_add_layer(struct tar_tree *t, const unsigned char *data, size_t size);
int tar_write(struct tar_tree *t, struct cpio *c);
void tar_free(struct tar_tree *t);

#endif
