/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_STREAM_H
#define KEEL_LIB_STREAM_H

#include <json-c/json.h>

#include "lib/hyper.h"

/*
 * A saved guest, as xl writes and reads it: xl's head with the configuration; libxl's stream,
 * version 2; in it libxc's, version 3 (Xen's docs/specs/libxl-migration-stream.pandoc and
 * Xen's docs/specs/libxc-migration-stream.pandoc). Numbers are little-endian, but for those of
 * libxl's header and of the image header. Records are padded to 8 bytes.
 */
#define STREAM_XL_MAGIC		"Xen saved domain, xl format\n \0 \r"
#define STREAM_XL_ORDER		0x01020304
#define STREAM_XL_JSON		1	/* the configuration is JSON */
#define STREAM_XL_V2		2	/* libxl's stream has version 2 */
#define STREAM_LIBXL_IDENT	0x4c6962786c466d74ULL
#define STREAM_LIBXL_VERSION	2
#define STREAM_IMAGE_MARKER	(~0ULL)
#define STREAM_IMAGE_ID		0x58454e46
#define STREAM_IMAGE_VERSION	3
#define STREAM_TYPE_HVM		2	/* libxc's word for PVH guests, too */
#define STREAM_TYPE_PVH		3	/* the documents' */

struct stream_xl_head {
	char magic[32];
	uint32_t order, mandatory, optional, size;	/* .size: of what follows */
	uint32_t config_size;
};

struct stream_libxl_head {
	uint64_t ident;
	uint32_t version, options;
};

struct stream_image_head {
	uint64_t marker;
	uint32_t id, version;
	uint16_t options, reserved;
	uint32_t reserved2;
	uint32_t type;			/* from here on the domain header */
	uint16_t page_shift, reserved3;
	uint32_t major, minor;		/* of the hypervisor that it comes from */
};

struct stream_record {
	uint32_t type, length;
};

/* Of libxl's stream. */
enum { LIBXL_END, LIBXL_CONTEXT };

/* Of libxc's. */
enum {
	RECORD_END = 0,
	RECORD_PAGE_DATA = 1,
	RECORD_TSC_INFO = 8,
	RECORD_HVM_CONTEXT = 9,
	RECORD_HVM_PARAMS = 10,
	RECORD_STATIC_DATA_END = 16,
	RECORD_CPUID_POLICY = 17,
	RECORD_MSR_POLICY = 18,
};

/* Whoever does not know a record with this bit passes over it. */
#define RECORD_OPTIONAL	0x80000000u
/* Keel's own: the CRC-32 (ISO 3309) of all bytes before this record. "Keel", but for this bit. */
#define RECORD_CRC	(0x6c65654bu | RECORD_OPTIONAL)

/* The type of a page, in the top four bits of its number. */
#define PAGE_TYPE(pfn)	((unsigned int)((pfn) >> 60))
#define PAGE_PFN(pfn)	((pfn) & 0xfffffffffffffULL)
enum { PAGE_NORMAL = 0, PAGE_BROKEN = 13, PAGE_ALLOCATE = 14, PAGE_NONE = 15 };
#define PAGE_IS_NONE	((uint64_t)PAGE_NONE << 60)

#define STREAM_BATCH		1024	/* pages in a record */
#define STREAM_MAX_RECORD	(8u << 20)
#define STREAM_MAX_CONFIG	(1u << 20)
#define STREAM_MAX_PARAMS	32

struct stream_tsc {
	uint32_t mode, khz;
	uint64_t nsec;
	uint32_t incarnation, reserved;
};

struct stream_params {
	uint32_t count, reserved;
	struct stream_param {
		uint64_t index, value;
	} param[STREAM_MAX_PARAMS];
};

/* What there is of a guest beside its memory. */
struct stream_state {
	struct stream_tsc tsc;
	struct stream_params params;
	unsigned char *context;		/* of its virtual machine, from the heap */
	size_t context_size;
	uint64_t tsc_at, params_at, context_at;	/* of a stream that is read: where their records are */
};

/* All of it to @fd, which @name names. A signal ends the wait for one that takes no more. */
int stream_write_all(struct keel *k, int fd, const char *name, const void *data, size_t size);
/* At least one byte, unless the end comes before: 0. A signal ends the wait: -EINTR. */
ssize_t stream_read_some(struct keel *k, int fd, const char *name, void *data, size_t size);

/* A stream that is written. */
struct stream_out {
	struct keel *k;
	int fd;
	const char *name;		/* in messages */
	uint64_t size;			/* so far, unpacked */
	uint32_t crc;
	struct ZSTD_CCtx_s *zstd;	/* if it is to be packed */
	unsigned char *packed;
};

int stream_out_open(struct stream_out *o, struct keel *k, int fd, const char *name, bool pack);
void stream_out_close(struct stream_out *o);
/* The heads; the configuration is in libxl's JSON. */
int stream_put_head(struct stream_out *o, const char *config);
/* What does not change any more, and comes before the memory. */
int stream_put_policy(struct stream_out *o, const struct hyper_policy *p);
/* A batch of pages; those with an error are no memory of the guest's any more. */
int stream_put_pages(struct stream_out *o, const uint64_t *gfns, unsigned int n,
		     const unsigned char *pages, const int *err);
/* The last ones. */
int stream_put_state(struct stream_out *o, const struct stream_state *s);

/* A stream that is read. */
struct stream_in {
	struct keel *k;
	int fd;
	const char *name;		/* in messages */
	uint64_t offset;		/* unpacked */
	uint32_t crc;
	const char *record;		/* that is being read, and where it is */
	uint64_t record_at;
	struct ZSTD_DCtx_s *zstd;	/* if it is packed */
	unsigned char *packed;
	size_t packed_size, packed_used;
	unsigned char first[4];		/* bytes, which tell whether it is packed */
	unsigned char *pages;		/* a batch */
	size_t room;			/* for so many */
};

/* A file that `keel save --compress` has packed is unpacked. */
int stream_in_open(struct stream_in *in, struct keel *k, int fd, const char *name);
void stream_in_close(struct stream_in *in);
/* A record begins here, or there: for messages. */
void stream_begin(struct stream_in *in, const char *record, uint64_t at);
/* -EINVAL: the stream is bad; the text says where. */
int stream_bad(struct stream_in *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int stream_get(struct stream_in *in, void *data, size_t size);
int stream_skip(struct stream_in *in, uint64_t size);

/* What becomes of a stream. They return 0, or a negative errno with the reason. */
struct stream_ops {
	int (*policy)(void *arg, const struct hyper_policy *p);	/* once, before the memory */
	/* Pages, with their contents or, with @data NULL, without. */
	int (*pages)(void *arg, const uint64_t *gfns, unsigned int n, const unsigned char *data);
	/* Pages that are no memory of the guest's any more. */
	int (*none)(void *arg, const uint64_t *gfns, unsigned int n);
	int (*state)(void *arg, const struct stream_state *s);		/* once, last */
};

/* The heads. The configuration is to be put. */
int stream_read_head(struct stream_in *in, struct json_object **config);
/*
 * All that follows: every length is checked, each record comes at most once where it may, and the
 * order is right. @needs_crc: the stream must have a sum that is right.
 */
int stream_read_body(struct stream_in *in, const struct stream_ops *ops, void *arg,
		     bool needs_crc);

#endif
