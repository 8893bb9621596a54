/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/mmio_decode.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "arch/x86/hvm/mmio.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

/*
 * Any bytes in any mode: the decoder returns a plausible instruction or none, and reads no byte
 * beyond its input.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int modes[] = { 16, 32, 64 };
	struct mmio_insn in, again;
	unsigned int mode, len;
	u8 *exact;
	int rc;

	if (size < 1)
		return 0;
	mode = modes[data[0] % 3];
	len = size - 1 > 15 ? 15 : (unsigned int)size - 1;
	exact = malloc(len ? len : 1); /* the exact size, so that ASan notices a read beyond it */
	memcpy(exact, data + 1, len);
	rc = mmio_decode(exact, len, mode, &in);
	require(rc == 0 || rc == -EAGAIN || rc == -EOPNOTSUPP);
	require(rc != -EAGAIN || len < 15);
	if (rc == 0) {
		require(in.len >= 2 && in.len <= len);
		require(in.size == 1 || in.size == 2 || in.size == 4 || in.size == 8);
		require(in.reg_size == 1 || in.reg_size == 2 || in.reg_size == 4 || in.reg_size == 8);
		require(in.size <= in.reg_size);
		require(in.size < 8 || mode == 64);
		require(in.reg < (mode == 64 ? 16 : 8) && (!in.high_byte || in.reg < 4));
		require(in.alu <= MMIO_XCHG);
		require(!in.write || in.mem_first);
		require(mmio_decode(exact, in.len - 1u, mode, &again) == -EAGAIN);
		require(mmio_decode(exact, in.len, mode, &again) == 0 && !memcmp(&in, &again, sizeof(in)));
	}
	free(exact);
	return 0;
}
