/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading files like those in sysfs. */
#include "test/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sysfs.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lines_without_the_last_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
