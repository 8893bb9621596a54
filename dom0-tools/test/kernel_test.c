/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernels: compressed in every way, damaged, cut anywhere; the ELF reader. */
#include "test/check.h"

#include <bzlib.h>
#include <elf.h>
#include <lzma.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/elf.h"
#include "lib/unpack.h"

#define IMAGE_SIZE 3000

static struct keel_error e;
static unsigned char image[IMAGE_SIZE];

/* Compressible, but not constant. */
static void make_image(void)
{
	for (int i = 0; i < IMAGE_SIZE; i++)
		image[i] = i % 7 == 0 ? i / 50 : i % 13;
	memcpy(image, "\177ELF", 4);
}

static size_t pack_xz(unsigned char *out, size_t room)
{
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, image, IMAGE_SIZE, out, &n,
						 room), LZMA_OK);
	return n;
}

static size_t pack_zstd(unsigned char *out, size_t room)
{
	size_t n = ZSTD_compress(out, room, image, IMAGE_SIZE, 3);

	assert_false(ZSTD_isError(n));
	return n;
}

static size_t pack_gzip(unsigned char *out, size_t room)
{
	z_stream z = { .next_in = image, .avail_in = IMAGE_SIZE, .next_out = out, .avail_out = room };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/* LZ4 with literals only: one sequence, length 15 + 255 * n + rest. */
static size_t pack_lz4(unsigned char *out, size_t room)
{
	unsigned char *p = out;
	size_t left = IMAGE_SIZE - 15, block;

	memcpy(p, "\x02\x21\x4c\x18", 4);
	p += 8;
	*p++ = 0xf0;
	for (; left >= 255; left -= 255)
		*p++ = 255;
	*p++ = left;
	memcpy(p, image, IMAGE_SIZE);
	p += IMAGE_SIZE;
	block = p - out - 8;
	memcpy(out + 4, &(uint32_t){ block }, 4);
	return p - out;
}

/*
 * The frame format of the program `lz4`: version 1, two raw blocks with checksums, the end mark, a
 * content checksum.
 */
static size_t pack_lz4_frame(unsigned char *out, size_t room)
{
	static const unsigned char header[] = { 4, 0x22, 0x4d, 0x18, 0x7c, 0x40, 0, 0, 0, 0, 0, 0, 0, 0,
						0 };
	unsigned char *p = out + sizeof(header);

	memcpy(out, header, sizeof(header));
	for (size_t at = 0; at < IMAGE_SIZE; at += IMAGE_SIZE / 2) {
		memcpy(p, &(uint32_t){ IMAGE_SIZE / 2 | 0x80000000u }, 4);
		memcpy(p + 4, image + at, IMAGE_SIZE / 2);
		p += 4 + IMAGE_SIZE / 2 + 4;
	}
	memset(p, 0, 4);
	return p + 8 - out;
}

static size_t pack_bzip2(unsigned char *out, size_t room)
{
	unsigned int n = room;

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)image, IMAGE_SIZE, 1, 0, 0),
			 BZ_OK);
	return n;
}

static size_t pack_lzma(unsigned char *out, size_t room)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma o;

	lzma_lzma_preset(&o, 6);
	assert_int_equal(lzma_alone_encoder(&z, &o), LZMA_OK);
	z.next_in = image;
	z.avail_in = IMAGE_SIZE;
	z.next_out = out;
	z.avail_out = room;
	assert_int_equal(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
	room = z.total_out;
	lzma_end(&z);
	return room;
}

/* A bzImage: two setup sectors, the payload right behind, its unpacked size at the end. */
static struct blob bzimage(size_t (*pack)(unsigned char *out, size_t room))
{
	static unsigned char file[16384];
	uint32_t size = IMAGE_SIZE, length;

	memset(file, 0, sizeof(file));
	length = pack(file + 1024 + 16, sizeof(file) - 2048);
	if (pack != pack_gzip) {	/* gzip's own last four bytes are its size */
		memcpy(file + 1024 + 16 + length, &size, 4);
		length += 4;
	}
	file[0x1f1] = 1;
	file[0x1fe] = 0x55;
	file[0x1ff] = 0xaa;
	memcpy(file + 0x202, "HdrS", 4);
	file[0x206] = 0x0f;
	file[0x207] = 2;
	memcpy(file + 0x248, &(uint32_t){ 16 }, 4);
	memcpy(file + 0x24c, &length, 4);
	return (struct blob){ .data = file, .size = 1024 + 16 + length };
}

static size_t (*const packers[])(unsigned char *out, size_t room) = {
	pack_xz, pack_zstd, pack_gzip, pack_lz4, pack_bzip2, pack_lzma, pack_lz4_frame,
};

#define PACKERS (sizeof(packers) / sizeof(packers[0]))

static void unpacks(void **state)
{
	for (size_t i = 0; i < PACKERS; i++) {
		struct blob in = bzimage(packers[i]), out;

		assert_int_equal(unpack_kernel(&in, &out, &e), 0);
		assert_int_equal(out.size, IMAGE_SIZE);
		assert_memory_equal(out.data, image, IMAGE_SIZE);
		blob_free(&out);
	}
}

/* Cut at any byte: refused, and nothing beyond the end is read (each copy has the exact size). */
static void cut_short(void **state)
{
	for (size_t i = 0; i < PACKERS; i++) {
		struct blob in = bzimage(packers[i]), out;

		for (size_t n = 1; n < in.size; n += n < 1100 ? 7 : 13) {
			struct blob part = { .data = malloc(n), .size = n };

			memcpy(part.data, in.data, n);
			assert_true(unpack_kernel(&part, &out, &e) < 0);
			free(part.data);
		}
	}
}

/* Any one byte of the payload changed: refused or unpacked, never a bad access. */
static void damaged(void **state)
{
	for (size_t i = 0; i < PACKERS; i++) {
		struct blob in = bzimage(packers[i]), out;

		for (size_t n = 1040; n < in.size; n += 3) {
			unsigned char *copy = malloc(in.size);
			struct blob bad = { .data = copy, .size = in.size };

			memcpy(copy, in.data, in.size);
			copy[n] ^= 0x5a;
			if (n < in.size - 4 && !unpack_kernel(&bad, &out, &e))
				blob_free(&out);
			free(copy);
		}
	}
}

/* Files that are compressed as a whole: the ELF file, and a bzImage. */
static void whole_files(void **state)
{
	static unsigned char packed[16384];
	struct blob in = { .data = packed }, out;

	for (size_t i = 0; i < PACKERS; i++) {
		make_image();
		in.size = packers[i](packed, sizeof(packed));
		assert_int_equal(unpack_kernel(&in, &out, &e), 0);
		assert_int_equal(out.size, IMAGE_SIZE);
		assert_memory_equal(out.data, image, IMAGE_SIZE);
		blob_free(&out);

		image[0] = 'x';		/* no ELF file any more */
		in.size = packers[i](packed, sizeof(packed));
		assert_int_equal(unpack_kernel(&in, &out, &e), -ENOEXEC);
		assert_contains(e.text, "unpacked with");
		assert_contains(e.text, ": neither an ELF file");
	}
	make_image();
}

static void whole_bzimage(void **state)
{
	struct blob in = bzimage(pack_xz), packed = { .data = malloc(32768) }, out;
	uLongf n = 32768 - 18;
	z_stream z = { .next_in = in.data, .avail_in = in.size, .next_out = packed.data, .avail_out = n };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	packed.size = z.total_out;
	assert_int_equal(unpack_kernel(&packed, &out, &e), 0);
	assert_int_equal(out.size, IMAGE_SIZE);
	assert_memory_equal(out.data, image, IMAGE_SIZE);
	blob_free(&out);
	free(packed.data);
}

/* Cut at any byte, or changed: refused or unpacked, with no access beyond the ends and no leak. */
static void whole_damaged(void **state)
{
	static unsigned char packed[16384];

	for (size_t i = 0; i < PACKERS; i++) {
		size_t size = packers[i](packed, sizeof(packed));
		/* The content checksum behind a frame's end is not read. */
		size_t least = packers[i] == pack_lz4_frame ? size - 4 : size;
		struct blob out;

		for (size_t n = 1; n < size; n += n < 64 ? 1 : 11) {
			struct blob part = { .data = malloc(n), .size = n };
			int rc;

			memcpy(part.data, packed, n);
			rc = unpack_kernel(&part, &out, &e);
			assert_true(rc < 0 || n >= least);
			if (!rc)
				blob_free(&out);
			free(part.data);
		}
		for (size_t n = 0; n < size; n += n < 64 ? 1 : 7) {
			struct blob bad = { .data = malloc(size), .size = size };

			memcpy(bad.data, packed, size);
			bad.data[n] ^= 0x5a;
			if (!unpack_kernel(&bad, &out, &e))
				blob_free(&out);
			free(bad.data);
		}
	}
}

/* Half a gigabyte and a byte from a small file: refused when the limit is reached. */
static void whole_too_large(void **state)
{
	unsigned char *out = malloc(4 << 20), *zeros = calloc(1, 1 << 20);
	struct blob in = { .data = out }, none;
	z_stream z = { .next_out = out, .avail_out = 4 << 20 };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (int i = 0; i <= 512; i++) {
		z.next_in = zeros;
		z.avail_in = i < 512 ? 1 << 20 : 1;
		deflate(&z, i < 512 ? Z_NO_FLUSH : Z_FINISH);
	}
	in.size = z.total_out;
	assert_true(in.size > 1000 && z.avail_out);
	deflateEnd(&z);
	assert_int_equal(unpack_kernel(&in, &none, &e), -EFBIG);
	assert_contains(e.text, "more than 512 MiB");
	free(zeros);
	free(out);
}

static void lz4_matches(void **state)
{
	/* "abc", a match of 9 at distance 3, then the literal "z". */
	static const unsigned char good[] = {
		2, 0x21, 0x4c, 0x18, 8, 0, 0, 0, 0x35, 'a', 'b', 'c', 3, 0, 0x10, 'z',
	};
	static const unsigned char far[] = {
		2, 0x21, 0x4c, 0x18, 8, 0, 0, 0, 0x35, 'a', 'b', 'c', 4, 0, 0x10, 'z',
	};
	static const unsigned char zero[] = {
		2, 0x21, 0x4c, 0x18, 8, 0, 0, 0, 0x35, 'a', 'b', 'c', 0, 0, 0x10, 'z',
	};
	unsigned char out[13];

	assert_int_equal(unpack_lz4(good, sizeof(good), out, 13), 13);
	assert_memory_equal(out, "abcabcabcabcz", 13);
	for (size_t n = 0; n < 13; n++)
		assert_int_equal(unpack_lz4(good, sizeof(good), out, n), -ENOSPC);
	assert_int_equal(unpack_lz4(far, sizeof(far), out, 13), -EINVAL);
	assert_int_equal(unpack_lz4(zero, sizeof(zero), out, 13), -EINVAL);
	assert_int_equal(unpack_lz4(good, 3, out, 13), -EINVAL);
}

/* A match in a block may reach into the block before it, but not before the first byte. */
static void lz4_linked_blocks(void **state)
{
	unsigned char frame[] = {
		4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0, 3, 0, 0, 0x80, 'a', 'b', 'c',
		5, 0, 0, 0, 0x05, 3, 0, 0x10, 'z', 0, 0, 0, 0,
	};
	unsigned char out[13];

	assert_int_equal(unpack_lz4(frame, sizeof(frame), out, 13), 13);
	assert_memory_equal(out, "abcabcabcabcz", 13);
	assert_int_equal(unpack_lz4(frame, sizeof(frame), out, 12), -ENOSPC);
	for (size_t n = 4; n < sizeof(frame); n++)
		assert_int_equal(unpack_lz4(frame, n, out, 13), -EINVAL);
	frame[19] = 4;
	assert_int_equal(unpack_lz4(frame, sizeof(frame), out, 13), -EINVAL);
	frame[19] = 3;
	frame[4] = 0x41;	/* needs a dictionary */
	assert_int_equal(unpack_lz4(frame, sizeof(frame), out, 13), -EINVAL);
	frame[4] = 0x80;	/* a future version */
	assert_int_equal(unpack_lz4(frame, sizeof(frame), out, 13), -EINVAL);
}

static void not_kernels(void **state)
{
	struct blob in = bzimage(pack_gzip), out;
	unsigned char *f = in.data;

	in.size = 100;
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOEXEC);
	assert_contains(e.text, "neither an ELF");
	in = bzimage(pack_gzip);
	memcpy(f + 0x202, "Hdrs", 4);
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOEXEC);
	in = bzimage(pack_gzip);
	f[0x206] = 7;
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOEXEC);
	assert_contains(e.text, "2.07 is too old");
	in = bzimage(pack_gzip);
	memset(f + 0x24c, 0xff, 4);
	assert_int_equal(unpack_kernel(&in, &out, &e), -EINVAL);
	assert_contains(e.text, "cut short");
	in = bzimage(pack_gzip);
	memset(f + 1040, 'x', 8);
	assert_int_equal(unpack_kernel(&in, &out, &e), -EINVAL);
	assert_contains(e.text, "no known compression");
	in = bzimage(pack_gzip);
	memcpy(f + 1040, "\x89LZO", 4);
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOTSUP);
	assert_contains(e.text, "packed with lzo");
	in = (struct blob){ .data = f + 1040, .size = 1000 };
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOTSUP);
	assert_contains(e.text, "packed with lzo");
	in = bzimage(pack_gzip);
	memset(f + 0x248, 0, 8);	/* like memtest86+ */
	assert_int_equal(unpack_kernel(&in, &out, &e), -ENOEXEC);
	assert_contains(e.text, "a Linux boot image without a kernel");
	in = bzimage(pack_gzip);
	memset(f + 0x24c, 0, 4);
	f[0x24c] = 15;
	assert_int_equal(unpack_kernel(&in, &out, &e), -EINVAL);
	assert_contains(e.text, "cut short");
	in = bzimage(pack_gzip);
	memset(f + in.size - 4, 0xff, 4);
	assert_int_equal(unpack_kernel(&in, &out, &e), -EINVAL);
	assert_contains(e.text, "claims to be");
}

/* Other kinds of files are refused. Opening a pipe does not wait for its other end. */
static void odd_files(void **state)
{
	char dir[] = "/tmp/keel-test.XXXXXX", path[64];
	struct blob b;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(blob_open(&b, path, "kernel", &e), -EINVAL);
	alarm(0);
	assert_contains(e.text, "is not a regular file");
	assert_int_equal(blob_open(&b, dir, "kernel", &e), -EISDIR);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(blob_open(&b, path, "kernel", &e), -ENOENT);
	assert_int_equal(rmdir(dir), 0);
}

static void elf_as_it_is(void **state)
{
	struct blob in = { .data = image, .size = IMAGE_SIZE }, out;

	assert_int_equal(unpack_kernel(&in, &out, &e), 0);
	assert_ptr_equal(out.data, image);
	blob_free(&out);
}

/* A kernel with a segment, a note segment, and space to change. */
struct elf_file {
	Elf64_Ehdr h;
	Elf64_Phdr ph[3];
	unsigned char note[40];
	unsigned char code[64];
};

static struct elf_file good_elf(void)
{
	static const unsigned char note[40] = {
		4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 0x10, 0, 0, 1,
		4, 0, 0, 0, 4, 0, 0, 0, 17, 0, 0, 0, 'X', 'e', 'n', 0, 0, 8, 0, 0,
	};
	struct elf_file f = {
		.h = {
			.e_ident = "\177ELF\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64,
			.e_phoff = offsetof(struct elf_file, ph), .e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_offset = offsetof(struct elf_file, code),
			  .p_paddr = 0x1000000, .p_filesz = 64, .p_memsz = 8192 },
			{ .p_type = PT_NOTE, .p_offset = offsetof(struct elf_file, note),
			  .p_filesz = 20 },
			{ .p_type = PT_LOAD, .p_paddr = 0x3000000, .p_memsz = 4096 },
		},
	};

	memcpy(f.note, note, sizeof(note));
	memset(f.code, 0x90, sizeof(f.code));
	return f;
}

static int parse(struct elf_file *f, struct keel_elf *k)
{
	struct blob b = { .data = (unsigned char *)f, .size = sizeof(*f) };

	memset(&e, 0, sizeof(e));
	return keel_elf_parse(k, &b, &e);
}

static void elf_good(void **state)
{
	struct elf_file f = good_elf();
	struct keel_elf k;

	assert_int_equal(parse(&f, &k), 0);
	assert_int_equal(k.entry, 0x1000010);
	assert_int_equal(k.segments, 2);
	assert_int_equal(k.start, 0x1000000);
	assert_int_equal(k.end, 0x3001000);
	assert_int_equal(k.segment[0].data_size, 64);
	assert_int_equal(k.segment[0].memory_size, 8192);
	assert_ptr_equal(k.segment[0].data, f.code);
}

/* Behind the entry there is a note that says what the kernel can be. */
static void elf_for_dom0(void **state)
{
	struct elf_file f = good_elf();
	struct keel_elf k;

	assert_int_equal(parse(&f, &k), 0);
	assert_false(k.dom0);
	f.ph[1].p_filesz = sizeof(f.note);
	assert_int_equal(parse(&f, &k), 0);
	assert_true(k.dom0);
	assert_int_equal(k.entry, 0x1000010);
	f.note[37] = 0xf7;
	assert_int_equal(parse(&f, &k), 0);
	assert_false(k.dom0);
}

#define REFUSED(change, code, says) do {					\
		struct elf_file f = good_elf();					\
		struct keel_elf k;						\
										\
		change;								\
		assert_int_equal(parse(&f, &k), -(code));			\
		assert_contains(e.text, says);					\
	} while (0)

static void elf_bad(void **state)
{
	REFUSED(f.h.e_ident[1] = 'X', ENOEXEC, "not an ELF");
	REFUSED(f.h.e_ident[EI_DATA] = 2, ENOEXEC, "little-endian");
	REFUSED(f.h.e_ident[EI_CLASS] = 3, ENOEXEC, "damaged");
	REFUSED(f.h.e_machine = EM_AARCH64, ENOEXEC, "not for x86");
	REFUSED(f.h.e_type = ET_REL, ENOEXEC, "no program");
	REFUSED(f.h.e_phnum = 0, ENOEXEC, "no program headers");
	REFUSED(f.h.e_phnum = 0xffff, EINVAL, "cut short");
	REFUSED(f.h.e_phentsize = 8, EINVAL, "program headers");
	REFUSED(f.h.e_phoff = ~0ULL, EINVAL, "program headers");
	REFUSED(f.ph[0].p_offset = sizeof(f) - 63, EINVAL, "ends beyond");
	REFUSED(f.ph[0].p_offset = ~0ULL, EINVAL, "ends beyond");
	REFUSED(f.ph[0].p_filesz = ~0ULL, EINVAL, "ends beyond");
	REFUSED(f.ph[0].p_memsz = 63, EINVAL, "below 4 GiB");
	REFUSED(f.ph[0].p_memsz = ~0ULL, EINVAL, "below 4 GiB");
	REFUSED(f.ph[0].p_paddr = 1ULL << 32, EINVAL, "below 4 GiB");
	REFUSED(f.ph[0].p_paddr = 0xffffffff, EINVAL, "below 4 GiB");
	REFUSED(f.ph[0].p_type = f.ph[2].p_type = PT_NULL, ENOEXEC, "nothing to load");
	REFUSED(f.ph[1].p_type = PT_NULL, ENOEXEC, "no PVH entry");
	REFUSED(f.note[8] = 17, ENOEXEC, "no PVH entry");
	REFUSED(f.note[12] = 'Y', ENOEXEC, "no PVH entry");
	REFUSED(f.note[0] = 0xff, ENOEXEC, "no PVH entry");
	REFUSED(f.note[4] = 0xff, ENOEXEC, "no PVH entry");
	REFUSED(memset(f.note, 0xff, 8), ENOEXEC, "no PVH entry");
	REFUSED(f.ph[1].p_filesz = 19, ENOEXEC, "no PVH entry");
	REFUSED(f.note[19] = 9, EINVAL, "outside its segments");
}

static void elf_cut_short(void **state)
{
	struct elf_file f = good_elf();
	struct keel_elf k;

	for (size_t n = 1; n < sizeof(f); n++) {
		struct blob b = { .data = malloc(n), .size = n };

		memcpy(b.data, &f, n);
		assert_true(keel_elf_parse(&k, &b, &e) < 0);
		free(b.data);
	}
}

static void elf_32_bits(void **state)
{
	struct {
		Elf32_Ehdr h;
		Elf32_Phdr ph[2];
		unsigned char note[20];
	} f = {
		.h = {
			.e_ident = "\177ELF\1\1\1", .e_type = ET_EXEC, .e_machine = EM_386,
			.e_phoff = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 2,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_paddr = 0x100000, .p_filesz = 16, .p_memsz = 4096 },
			{ .p_type = PT_NOTE, .p_offset = sizeof(Elf32_Ehdr) + 2 * sizeof(Elf32_Phdr),
			  .p_filesz = 20 },
		},
		.note = { 4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 0, 0, 0x10, 0 },
	};
	struct blob b = { .data = (unsigned char *)&f, .size = sizeof(f) };
	struct keel_elf k;

	assert_int_equal(keel_elf_parse(&k, &b, &e), 0);
	assert_int_equal(k.entry, 0x100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks), cmocka_unit_test(cut_short), cmocka_unit_test(damaged),
		cmocka_unit_test(whole_files), cmocka_unit_test(whole_bzimage), cmocka_unit_test(whole_damaged),
		cmocka_unit_test(whole_too_large), cmocka_unit_test(lz4_matches),
		cmocka_unit_test(lz4_linked_blocks), cmocka_unit_test(not_kernels),
		cmocka_unit_test(odd_files), cmocka_unit_test(elf_as_it_is), cmocka_unit_test(elf_good),
		cmocka_unit_test(elf_for_dom0),
		cmocka_unit_test(elf_bad), cmocka_unit_test(elf_cut_short), cmocka_unit_test(elf_32_bits),
	};

	make_image();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
