/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_UNPACK_H
#define KEEL_LIB_UNPACK_H

#include "lib/blob.h"

/* No kernel is larger when unpacked; a size field above it is a broken or hostile file. */
#define UNPACK_MAX (512UL << 20)

/*
 * Turns a kernel file as packaged into its ELF image. @in may be an ELF already (then @out
 * borrows its bytes and must not outlive it) or a bzImage with an xz, zstd, gzip or lz4 payload
 * (Linux Documentation/arch/x86/boot.rst: setup header fields payload_offset, payload_length).
 */
int unpack_kernel(const struct blob *in, struct blob *out, struct keel_error *e);

/* The legacy framing of LZ4 that kernels use. Returns the bytes written or a negative errno. */
long unpack_lz4(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size);

#endif
