/* SPDX-License-Identifier: GPL-2.0-only */
#include "test/unit/unit.h"
#include "common/kconfig.h"

#define CONFIG_TEST_ON 1
#define CONFIG_TEST_NUMBER 64

static void option_that_is_on_is_one(void **state)
{
	assert_int_equal(IS_ENABLED(CONFIG_TEST_ON), 1);
}

static void option_that_is_off_is_zero(void **state)
{
	assert_int_equal(IS_ENABLED(CONFIG_TEST_OFF), 0);
}

/* Only 1 counts: asking a number whether it is enabled is a mistake. */
static void numbers_are_not_options(void **state)
{
	assert_int_equal(IS_ENABLED(CONFIG_TEST_NUMBER), 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(option_that_is_on_is_one),
	UNIT_TEST(option_that_is_off_is_zero),
	UNIT_TEST(numbers_are_not_options),
};

UNIT_MAIN(tests)
