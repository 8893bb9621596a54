/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define UNPACK_LZMA_MEMORY	(256UL << 20)

/* Fields of the setup header, Linux Documentation/arch/x86/boot.rst. */
#define HDR_SETUP_SECTS		0x1f1
#define HDR_BOOT_FLAG		0x1fe
#define HDR_MAGIC		0x202
#define HDR_VERSION		0x206
#define HDR_PAYLOAD_OFFSET	0x248
#define HDR_PAYLOAD_LENGTH	0x24c
#define HDR_END			0x250

/*
 * Each of the unpackers returns the bytes that it wrote, -ENOSPC if there are more than @out_size,
 * or -EINVAL for damaged or incomplete input. What follows the packed data is left alone.
 */
static long run_lzma(lzma_stream *s, lzma_ret started, const unsigned char *in, size_t in_size,
		     unsigned char *out, size_t out_size)
{
	lzma_ret rc = started;
	long n;

	if (rc != LZMA_OK)
		return -ENOMEM;
	s->next_in = in;
	s->avail_in = in_size;
	s->next_out = out;
	s->avail_out = out_size;
	rc = lzma_code(s, LZMA_FINISH);
	n = rc == LZMA_STREAM_END ? (long)s->total_out : s->avail_out || rc == LZMA_DATA_ERROR ? -EINVAL
	    : -ENOSPC;
	lzma_end(s);
	return n;
}

static long unpack_xz(const unsigned char *in, size_t in_size, unsigned char *out,
		      size_t out_size)
{
	lzma_stream s = LZMA_STREAM_INIT;

	return run_lzma(&s, lzma_stream_decoder(&s, UNPACK_LZMA_MEMORY, 0), in, in_size, out, out_size);
}

static long unpack_lzma(const unsigned char *in, size_t in_size, unsigned char *out,
			size_t out_size)
{
	lzma_stream s = LZMA_STREAM_INIT;

	return run_lzma(&s, lzma_alone_decoder(&s, UNPACK_LZMA_MEMORY), in, in_size, out, out_size);
}

static long unpack_zstd(const unsigned char *in, size_t in_size, unsigned char *out,
			size_t out_size)
{
	size_t frame = ZSTD_findFrameCompressedSize(in, in_size);
	size_t n;

	if (ZSTD_isError(frame))
		return -EINVAL;
	n = ZSTD_decompress(out, out_size, in, frame);
	if (!ZSTD_isError(n))
		return n;
	return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? -ENOSPC : -EINVAL;
}

static long unpack_gzip(const unsigned char *in, size_t in_size, unsigned char *out,
			size_t out_size)
{
	z_stream z = {
		.next_in = (unsigned char *)in, .avail_in = in_size,
		.next_out = out, .avail_out = out_size,
	};
	int rc;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return z.total_out;
	return (rc == Z_OK || rc == Z_BUF_ERROR) && !z.avail_out ? -ENOSPC : -EINVAL;
}

static long unpack_bzip2(const unsigned char *in, size_t in_size, unsigned char *out,
			 size_t out_size)
{
	bz_stream z = {
		.next_in = (char *)in, .avail_in = in_size,
		.next_out = (char *)out, .avail_out = out_size,
	};
	int rc;

	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return -ENOMEM;
	rc = BZ2_bzDecompress(&z);
	BZ2_bzDecompressEnd(&z);
	if (rc == BZ_STREAM_END)
		return out_size - z.avail_out;
	return rc == BZ_OK && !z.avail_out ? -ENOSPC : -EINVAL;
}

static const struct packing {
	const char *name;
	unsigned char magic[6];
	size_t magic_size;
	long (*unpack)(const unsigned char *in, size_t in_size, unsigned char *out,
		       size_t out_size);
} packings[] = {
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_xz },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
	{ "gzip", { 0x1f, 0x8b }, 2, unpack_gzip },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
	{ "lz4", { 0x04, 0x22, 0x4d, 0x18 }, 4, unpack_lz4 },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, unpack_bzip2 },
	{ "lzma", { 0x5d, 0, 0 }, 3, unpack_lzma },
	{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, NULL },
};

static const struct packing *find_packing(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (size >= packings[i].magic_size &&
		    !memcmp(p, packings[i].magic, packings[i].magic_size))
			return &packings[i];
	return NULL;
}

static int not_supported(const struct packing *how, struct keel_error *e)
{
	return keel_fail(e, ENOTSUP, "the kernel is packed with %s, which is not supported; unpack it "
			 "and name the ELF file", how->name);
}

static int unpack_payload(const unsigned char *p, size_t size, struct blob *out,
			  struct keel_error *e)
{
	const struct packing *how = find_packing(p, size);
	size_t unpacked;
	long n;
	int rc;

	if (!how)
		return keel_fail(e, EINVAL, "the kernel's payload starts with %02x%02x%02x%02x, "
				 "which is no known compression", p[0], p[1], p[2], p[3]);
	if (!how->unpack)
		return not_supported(how, e);
	/* The last four bytes of the payload are its size when unpacked. */
	unpacked = get32(p + size - 4);
	if (unpacked < 64 || unpacked > UNPACK_MAX)
		return keel_fail(e, EINVAL, "the kernel claims to be %zu bytes when unpacked; "
				 "the file is damaged", unpacked);
	rc = blob_alloc(out, unpacked, e);
	if (rc)
		return rc;
	n = how->unpack(p, size, out->data, unpacked);
	if (n == (long)unpacked)
		return 0;
	blob_free(out);
	return keel_fail(e, EINVAL, "the kernel's %s payload does not unpack to the %zu bytes "
			 "that it announces; the file is damaged or cut short", how->name, unpacked);
}

static int is_bzimage(const struct blob *in)
{
	return in->size >= HDR_END && in->data[HDR_BOOT_FLAG] == 0x55 &&
	       in->data[HDR_BOOT_FLAG + 1] == 0xaa && !memcmp(in->data + HDR_MAGIC, "HdrS", 4);
}

static int unpack_bzimage(const struct blob *in, struct blob *out, struct keel_error *e)
{
	unsigned int version = in->data[HDR_VERSION] | in->data[HDR_VERSION + 1] << 8;
	size_t start, length, sectors;

	if (version < 0x208)
		return keel_fail(e, ENOEXEC, "boot protocol %u.%02u is too old: 2.08 or later "
				 "(Linux 2.6.24) is needed", version >> 8, version & 0xff);
	sectors = in->data[HDR_SETUP_SECTS] ? in->data[HDR_SETUP_SECTS] : 4;
	start = (sectors + 1) * 512 + get32(in->data + HDR_PAYLOAD_OFFSET);
	length = get32(in->data + HDR_PAYLOAD_LENGTH);
	if (!length)
		return keel_fail(e, ENOEXEC, "a Linux boot image without a kernel's ELF file in it (as "
				 "memtest86+ is), so it has no Xen (PVH) entry");
	if (length < 16 || start > in->size || length > in->size - start)
		return keel_fail(e, EINVAL, "the bzImage is cut short: its payload should end at "
				 "byte %zu, the file has %zu", start + length, in->size);
	return unpack_payload(in->data + start, length, out, e);
}

/* A whole file, whose size when unpacked nobody tells: twice the room until it is enough. */
static int unpack_file(const struct packing *how, const struct blob *in, struct blob *out,
		       struct keel_error *e)
{
	size_t room = in->size < UNPACK_MAX / 4 ? in->size * 4 : UNPACK_MAX;
	long n;
	int rc;

	for (;;) {
		rc = blob_alloc(out, room, e);
		if (rc)
			return rc;
		n = how->unpack(in->data, in->size, out->data, room);
		if (n >= 0) {
			out->size = n;
			return 0;
		}
		blob_free(out);
		if (n == -ENOMEM)
			return keel_fail(e, ENOMEM, "no memory to unpack the %s file", how->name);
		if (n != -ENOSPC)
			return keel_fail(e, EINVAL, "the %s file does not unpack; it is damaged or cut short",
					 how->name);
		if (room == UNPACK_MAX)
			return keel_fail(e, EFBIG, "the %s file unpacks to more than %lu MiB", how->name,
					 UNPACK_MAX >> 20);
		room = room < UNPACK_MAX / 2 ? room * 2 : UNPACK_MAX;
	}
}

/* An ELF file as it is, or the one in a bzImage. */
static int find_elf(const struct blob *in, struct blob *out, struct keel_error *e)
{
	if (in->size >= 4 && !memcmp(in->data, "\177ELF", 4)) {
		*out = (struct blob){ .data = in->data, .size = in->size, .kind = BLOB_BORROWED };
		return 0;
	}
	if (is_bzimage(in))
		return unpack_bzimage(in, out, e);
	return keel_fail(e, ENOEXEC, "neither an ELF file nor a bzImage; name a Linux "
			 "kernel (/boot/vmlinuz-...) or another PVH kernel");
}

int unpack_kernel(const struct blob *in, struct blob *out, struct keel_error *e)
{
	const struct packing *how = find_packing(in->data, in->size);
	char text[sizeof(e->text)];
	struct blob inner;
	int rc;

	*out = (struct blob){ 0 };
	if (!how)
		return find_elf(in, out, e);
	if (!how->unpack)
		return not_supported(how, e);
	rc = unpack_file(how, in, &inner, e);
	if (rc)
		return rc;
	rc = find_elf(&inner, out, e);
	if (!rc && out->kind == BLOB_BORROWED) {
		*out = inner;	/* the ELF file itself was packed */
		return 0;
	}
	if (rc) {
		memcpy(text, e->text, sizeof(text));
		keel_fail(e, -rc, "unpacked with %s: %s", how->name, text);
	}
	blob_free(&inner);
	return rc;
}

int unpack_whole(const struct blob *in, struct blob *out, struct keel_error *e)
{
	const struct packing *how = find_packing(in->data, in->size);

	if (how && how->unpack)
		return unpack_file(how, in, out, e);
	*out = (struct blob){ .data = in->data, .size = in->size, .kind = BLOB_BORROWED };
	return 0;
}
