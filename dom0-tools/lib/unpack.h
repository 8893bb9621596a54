/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_UNPACK_H
#define KEEL_LIB_UNPACK_H

#include "lib/blob.h"

/* No kernel is larger when unpacked; a size field above it is a broken or hostile file. */
#define UNPACK_MAX (512UL << 20)

/*
 * Turns a kernel file as packaged into its ELF image. @in may be an ELF already (then @out
 * borrows its bytes and must not outlive it), a bzImage (Linux Documentation/arch/x86/boot.rst:
 * setup header fields payload_offset, payload_length), or one of them packed as a whole; with
 * xz, zstd, gzip, lz4, bzip2 or lzma. -ENOEXEC: no kernel; -EINVAL: damaged; -EFBIG; -ENOTSUP.
 */
int unpack_kernel(const struct blob *in, struct blob *out, struct keel_error *e);

/* A file that may be packed as a whole by one of these. If it is not, @out borrows its bytes. */
int unpack_whole(const struct blob *in, struct blob *out, struct keel_error *e);

/*
 * LZ4, in the legacy framing that kernels use or the frame format that `lz4` writes. Returns the
 * bytes written, -ENOSPC if there are more, or -EINVAL.
 */
long unpack_lz4(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size);

#endif
