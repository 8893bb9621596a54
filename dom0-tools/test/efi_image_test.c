/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one-file image, as objcopy and sbsign make it from the real keel.efi: each section is what it
 * should be, where xen/efi/files.c looks for it.
 */
#include "test/check.h"
#include "test/elf.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/blob.h"
#include "lib/efi_image.h"

static char dir[] = "/tmp/keel-image.XXXXXX", made[PATH_MAX];
static struct keel k;
static struct efi_image i;
static char large[300000];

void keel_progress(struct keel *q, const char *what, uint64_t done, uint64_t total)
{
}

void keel_warn(struct keel *q, const char *fmt, ...)
{
}

/* No program here has a time limit, or can be interrupted. */
uint64_t keel_now_ms(void)
{
	return 0;
}

bool keel_interrupted(struct keel *q)
{
	return false;
}

static void put(char path[PATH_MAX], const char *name, const void *data, size_t size)
{
	FILE *f;

	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static int start(void **state)
{
	struct test_kernel kernel = test_kernel(true, true);

	i = (struct efi_image){ .options = "x=1", .dom0_options = "root=/dev/sda" };
	snprintf(i.hypervisor, sizeof(i.hypervisor), "%s/keel.efi", getenv("O") ? getenv("O") : "build");
	put(i.kernel, "vmlinuz-1", &kernel, sizeof(kernel));
	memset(large, 'i', sizeof(large));
	put(i.initrd, "initrd=1", large, sizeof(large));
	return 0;
}

/*
 * A section's headers: its size and place in memory, and both in the file. Sections do not overlap,
 * and are neither writable nor code (PE/COFF specification, 4).
 */
static void section_is(const char *name, const void *data, size_t size)
{
	const unsigned char *p, *end = NULL;
	struct blob b;
	size_t pe;

	assert_int_equal(blob_open(&b, made, "image", &k.err), 0);
	pe = get32(b.data + 0x3c);
	p = b.data + pe + 24 + (get32(b.data + pe + 20) & 0xffff);
	end = p + 40 * (get32(b.data + pe + 6) & 0xffff);
	for (; p < end && strncmp((const char *)p, name, 8); p += 40)
		;
	assert_true(p < end);
	assert_int_equal(get32(p + 8), size);
	assert_int_equal(get32(p + 12) % 4096, 0);
	assert_true(get32(p + 12) + size <= get32(b.data + pe + 24 + 56));
	if (p + 40 < end)
		assert_true(get32(p + 12) + size <= get32(p + 40 + 12));
	assert_memory_equal(b.data + get32(p + 20), data, size);
	assert_int_equal(get32(p + 36) >> 28, 4);
	blob_free(&b);
}

static void sections(void **state)
{
	static const char cmdline[] = "x=1 -- root=/dev/sda";
	struct test_kernel kernel = test_kernel(true, true);
	uint64_t about;
	struct stat st;

	assert_int_equal(efi_image_check(&k, &i, &about), 0);
	if (efi_image_build(&k, &i, dir, made))
		fail_msg("%s", k.err.text);
	section_is(".cmdline", cmdline, strlen(cmdline));
	section_is(".kernel", &kernel, sizeof(kernel));
	section_is(".ramdisk", large, sizeof(large));
	assert_int_equal(stat(made, &st), 0);
	assert_in_range(st.st_size, sizeof(large), about);
	/* One is no part of another. */
	strcpy(i.hypervisor, made);
	assert_int_equal(efi_image_check(&k, &i, &about), -EINVAL);
}

static void signatures(void **state)
{
	uint64_t about;
	struct stat st;
	char key[128];

	snprintf(i.key, sizeof(i.key), "%s/key", dir);
	snprintf(i.cert, sizeof(i.cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "cd %s && openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=x/ "
		 "-keyout key -out cert 2>/dev/null", dir);
	assert_int_equal(system(key), 0);
	assert_int_equal(efi_image_check(&k, &i, &about), 0);
	if (efi_image_build(&k, &i, dir, made))
		fail_msg("%s", k.err.text);
	assert_int_equal(stat(made, &st), 0);
	assert_in_range(st.st_size, sizeof(large), about);
	section_is(".ramdisk", large, sizeof(large));
	/* A key that is another certificate's. */
	snprintf(key, sizeof(key), "openssl genrsa -out %s/key 2048 2>/dev/null", dir);
	assert_int_equal(system(key), 0);
	assert_int_equal(efi_image_build(&k, &i, dir, made), -EIO);
	assert_contains(k.err.text, "failed");
}

static int end(void **state)
{
	efi_image_close(&i);
	return 0;
}

static void programs(void **state)
{
	uint64_t about;

	assert_int_equal(efi_image_check(&k, &i, &about), 0);
	keel_objcopy = "/nowhere/objcopy";
	assert_int_equal(efi_image_build(&k, &i, dir, made), -ENOENT);
	assert_contains(k.err.text, "the package binutils has it");
	keel_objcopy = "/usr/bin/objcopy";
	put(i.hypervisor, "text", "MZ", 2);
	assert_int_equal(efi_image_build(&k, &i, dir, made), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sections, start, end),
		cmocka_unit_test_setup_teardown(signatures, start, end),
		cmocka_unit_test_setup_teardown(programs, start, end),
	};
	char command[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : rc;
}
