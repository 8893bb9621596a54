/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading files like those in sysfs. */
#include "test/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/efi.h"
#include "lib/kept_log.h"
#include "lib/sysfs.h"

/* For programs that lib/efi.c runs: none here. */
void keel_progress(struct keel *k, const char *what, uint64_t done, uint64_t total)
{
}

bool keel_interrupted(struct keel *k)
{
	return false;
}

uint64_t keel_now_ms(void)
{
	return 0;
}

static void holds(const char *text, const char *expected)
{
	char path[] = "/tmp/keel-sysfs.XXXXXX", out[16];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(sysfs_read(out, sizeof(out), "%s", path), 0);
	assert_string_equal(out, expected);
	unlink(path);
}

static void all_lines_without_the_last_end(void **state)
{
	char out[16] = "old";

	holds("0x8086\n", "0x8086");
	holds("1 2\n3 4\n", "1 2\n3 4");
	holds("", "");
	holds("\n", "");
	holds("more than there is room\n", "more than there");
	assert_true(sysfs_read(out, sizeof(out), "/tmp/%s", "keel-is-not-there/x") < 0);
	assert_string_equal(out, "");
}

#define VARIABLE "KeelLog-3fa2489d-3dcb-48c2-a911-6ddab701f4b6"

static void set_variable(const char *dir, const char *name, const char *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void the_log_of_a_crash(void **state)
{
	char dir[] = "/tmp/keel-efi.XXXXXX", text[64];
	struct keel k = { 0 };

	keel_efivars = "/tmp/keel-is-not-there/efivars";
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), false), -ENOTSUP);
	keel_efivars = mkdtemp(dir);
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), false), -ENOENT);
	assert_non_null(strstr(k.err.text, "mount -t efivarfs"));
	set_variable(dir, "BootOrder", "", 0);
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), false), -ENOENT);
	assert_string_equal(k.err.text, "no log of a crash is kept");
	/* The variable's attributes come first. */
	set_variable(dir, VARIABLE, "\7\0\0\0(KEEL) panic\n", 17);
	memset(text, '-', sizeof(text));
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), false), 13);
	assert_memory_equal(text, "(KEEL) panic\n-", 14);
	assert_int_equal(keel_kept_log(&k, text, 6, true), 6);
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), false), -ENOENT);
	set_variable(dir, VARIABLE, "\7\0\0", 3);
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), true), -EIO);
	set_variable(dir, VARIABLE, "\7\0\0\0", 4);
	assert_int_equal(keel_kept_log(&k, text, sizeof(text), true), 0);
	snprintf(text, sizeof(text), "%s/BootOrder", dir);
	unlink(text);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lines_without_the_last_end),
		cmocka_unit_test(the_log_of_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
