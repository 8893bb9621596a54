/* SPDX-License-Identifier: MIT */
/* hypfs_op: the hypervisor's tree of named values. */
#ifndef XEN_PUBLIC_HYPFS_H
#define XEN_PUBLIC_HYPFS_H

#include <public/xen.h>

#define XEN_HYPFS_VERSION     1
#define XEN_HYPFS_MAX_PATHLEN 1024

/* hypfs_op(cmd, path, path length, buffer, buffer length). */
#define XEN_HYPFS_OP_get_version    0
#define XEN_HYPFS_OP_read           1
#define XEN_HYPFS_OP_write_contents 2

#define XEN_HYPFS_TYPE_DIR    0
#define XEN_HYPFS_TYPE_STRING 2
#define XEN_HYPFS_TYPE_UINT   3
#define XEN_HYPFS_TYPE_BOOL   5

struct xen_hypfs_direntry {
	uint8_t type;     /* XEN_HYPFS_TYPE_* */
	uint8_t encoding; /* 0: plain, 1: gzip */
	uint16_t pad;
	uint32_t content_len;
	uint32_t max_write_len; /* 0: read only */
};

struct xen_hypfs_dirlistentry {
	struct xen_hypfs_direntry e;
	uint16_t off_next; /* bytes to the next entry, 0 in the last one */
	char name[XEN_FLEX_ARRAY_DIM];
};

#endif
