/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/console.c common/printk.c common/vsnprintf.c common/option.c */
#include "test/unit/unit.h"

#include <public/errno.h>

#include "common/console.h"
#include "common/option.h"

static char wire[262144];
static size_t wire_len, uart_room;
static unsigned int halts, ends, waits;
static bool for_ever;

void arch_uart_putc_sync(char c)
{
	wire[wire_len++] = c;
}

static char shown[262144];
static size_t shown_len;

void arch_screen_putc(char c)
{
	shown[shown_len++ % sizeof(shown)] = c;
}

size_t arch_uart_write(const char *s, size_t len)
{
	len = min(len, uart_room);
	uart_room -= len;
	memcpy(wire + wire_len, s, len);
	wire_len += len;
	return len;
}

void arch_uart_start(void)
{
}

void arch_stack_trace(void)
{
	arch_uart_putc_sync('T');
}

void arch_halt(void)
{
	halts++;
	longjmp(fake_panic_jump, 1);
}

void arch_machine_down(u8 reason)
{
	ends++;
	longjmp(fake_panic_jump, 2);
}

/* A CPU that waits to be stopped is: after some turns. */
void fake_cpu_relax(void)
{
	if (for_ever && ++waits == 1000)
		longjmp(fake_panic_jump, 3);
}

static void wire_is(const char *want)
{
	wire[wire_len] = '\0';
	assert_string_equal(wire, want);
	wire_len = 0;
}

static size_t read_ring(char *buf, u32 size, u32 *index, bool incremental, bool clear)
{
	int err;
	size_t n = console_read_ring(index, incremental, clear, (u64)buf, size, &err);

	assert_int_equal(err, 0);
	buf[n] = '\0';
	return n;
}

/*
 * The console's state outlives each test, so their order matters: synchronous output comes first.
 */
static void boot_output_is_synchronous(void **state)
{
	printk(LOG_INFO, "hello %d", 1);
	wire_is("(KEEL) hello 1\r\n");
	assert_memory_equal(shown, "(KEEL) hello 1\n", 16);
	printk(LOG_ERR, "bad\n");
	wire_is("(KEEL) error: bad\r\n");
	printk(LOG_DEBUG, "not shown");
	wire_is("");
}

static void a_message_begins_a_line(void **state)
{
	console_line_write("Dom0 says", 9);
	printk(LOG_INFO, "x");
	wire_is("Dom0 says\r\n(KEEL) x\r\n");
	console_line_write("with both\r\n", 11);	/* Linux sends the carriage return itself */
	wire_is("with both\r\n");
}

static void level_is_an_option(void **state)
{
	option_init("loglvl=all");
	printk_init();
	printk(LOG_DEBUG, "d");
	wire_is("(KEEL) debug: d\r\n");
	option_init("loglvl=error");
	printk_init();
	printk(LOG_WARN, "w");
	wire_is("");
	printk(LOG_NOTICE, "n");
	wire_is("(KEEL) n\r\n");
	option_init("loglvl=info");
	printk_init();
	/* and it can be changed at run time */
	assert_string_equal(printk_level(), "info");
	printk(LOG_DEBUG, "d");
	wire_is("");
	assert_int_equal(printk_set_level("all"), 0);
	assert_string_equal(printk_level(), "debug");
	printk(LOG_DEBUG, "d");
	wire_is("(KEEL) debug: d\r\n");
	assert_int_equal(printk_set_level("loud"), -EINVAL);
	assert_string_equal(printk_level(), "debug");
	assert_int_equal(printk_set_level("warning"), 0);
	printk(LOG_INFO, "i");
	wire_is("");
	printk(LOG_WARN, "w");
	wire_is("(KEEL) warning: w\r\n");
	printk_init();
}

static void long_messages_are_cut(void **state)
{
	static char text[2000];

	memset(text, 'a', sizeof(text) - 1);
	printk(LOG_INFO, "%s", text);
	assert_true(wire_len < 600);
	assert_int_equal(wire[wire_len - 1], '\n');
	wire_len = 0;
}

static void the_ring_can_be_read(void **state)
{
	char buf[512];
	u32 index = 0, start;

	read_ring(buf, sizeof(buf) - 1, &index, false, false);
	assert_non_null(strstr(buf, "(KEEL) hello 1\n"));
	assert_null(strstr(buf, "Dom0"));	/* only messages */
	while (read_ring(buf, sizeof(buf) - 1, &index, true, true))
		;
	start = index;
	printk(LOG_INFO, "new");
	assert_int_equal(read_ring(buf, sizeof(buf) - 1, &index, true, false), strlen("(KEEL) new\n"));
	assert_string_equal(buf, "(KEEL) new\n");
	assert_int_equal(index, start + 11);
	index = 0;
	/* the messages before this were cleared */
	assert_int_equal(read_ring(buf, sizeof(buf) - 1, &index, false, false), 11);
	index = start + 100;	/* an index that has not been reached yet */
	read_ring(buf, sizeof(buf) - 1, &index, true, false);
	assert_string_equal(buf, "(KEEL) new\n");
	wire_len = 0;
}

static void the_newest_text(void **state)
{
	char buf[80000];

	printk(LOG_INFO, "last");
	memset(buf, '-', sizeof(buf));
	assert_int_equal(console_newest(buf, 5), 5);
	assert_memory_equal(buf, "last\n-", 6);
	/* Many rounds of the ring: all of it, and no more. */
	for (unsigned int i = 0; i < 10000; i++)
		printk(LOG_INFO, "line %u", i);
	assert_int_equal(console_newest(buf, sizeof(buf)), 65536);
	assert_memory_equal(buf + 65536 - 17, "(KEEL) line 9999\n-", 18);
	assert_non_null(strstr(buf, "(KEEL) line 9000\n(KEEL) line 9001\n"));
	wire_len = 0;
}

static void ring_to_a_bad_address(void **state)
{
	u32 index = 0;
	int err;

	assert_int_equal(console_read_ring(&index, false, false, 8, 100, &err), 0);
	assert_int_equal(err, -EFAULT);
}

static void repeated_messages_are_limited(void **state)
{
	struct ratelimit rl = { 0 };
	unsigned int n = 0;

	fake_now = 5000000000;
	for (unsigned int i = 0; i < 50; i++)
		n += ratelimit_ok(&rl);
	assert_int_equal(n, 10);
	fake_now += 1000000000;
	assert_true(ratelimit_ok(&rl));
	wire[wire_len] = '\0';
	assert_non_null(strstr(wire, "40 similar"));
	wire_len = 0;
}

static void guests_write_lines_with_their_name(void **state)
{
	struct domain *d = fake_domain(5, 1);

	fake_now = 10000000000;
	console_guest_write(d, "ab", 2);
	wire_is("");
	console_guest_write(d, "c\x01\x7\r\nde", 7);
	wire_is("(d5) abc\r\n");
	strcpy(d->name, "web");
	console_guest_end(d);
	wire_is("(web) de\r\n");
}

static void a_flood_is_cut_off(void **state)
{
	struct domain *d = fake_domain(6, 1);
	static char text[101];

	memset(text, 'x', 100);
	text[99] = '\n';
	fake_now = 20000000000;
	for (unsigned int i = 0; i < 2000; i++)	/* 200 KB at once */
		console_guest_write(d, text, 100);
	assert_true(wire_len > 100000 && wire_len < 150000);
	wire_len = 0;
	fake_now += 1000000000;
	console_guest_write(d, "back\n", 5);
	wire[wire_len] = '\0';
	assert_non_null(strstr(wire, "back"));
	assert_non_null(strstr(wire, "left out"));
	wire_len = 0;
	console_guest_end(d);
}

static void input_is_queued(void **state)
{
	char buf[512];

	for (unsigned int i = 0; i < 300; i++)
		console_input((char)('a' + i % 26));
	assert_int_equal(fake_events.last_virq, VIRQ_CONSOLE);
	assert_int_equal(console_read_input(buf, 3), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(console_read_input(buf, sizeof(buf)), 256 - 3);
	assert_int_equal(console_read_input(buf, sizeof(buf)), 0);
}

/* From here on output is in the background. */
static void output_in_the_background(void **state)
{
	console_start_async();
	printk(LOG_INFO, "one\ntwo");
	wire_is("");
	assert_true(pcpus[0]->work & BIT(WORK_CONSOLE));
	uart_room = 10;
	console_drain();
	wire_is("(KEEL) one");
	assert_int_equal(fake_events.last_virq, VIRQ_CON_RING);
	uart_room = 100;
	console_drain();
	wire_is("\r\ntwo\r\n");
	assert_int_equal(console_line_room(), 65536);
}

static void nothing_waits_for_ever(void **state)
{
	static char text[70000];

	memset(text, 'y', sizeof(text));
	uart_room = 0;
	console_line_write(text, sizeof(text));
	assert_int_equal(console_line_room(), 0);
	while (console_line_room() < 65536) {
		uart_room = 4096;
		console_drain();
	}
	console_drain();
	uart_room = 4096;
	console_drain();
	wire[wire_len] = '\0';
	assert_non_null(strstr(wire, "4464 bytes were lost"));
	wire_len = 0;
}

/* The last test: afterwards the console stays synchronous and takes no lock. */
static void panic_shows_everything(void **state)
{
	uart_room = 0;
	printk(LOG_INFO, "waits");
	option_init("noreboot");
	if (!setjmp(fake_panic_jump))
		panic("the end %d", 7);
	assert_int_equal(ends, 1);
	wire[wire_len] = '\0';
	assert_non_null(strstr(wire, "waits\r\n"));
	assert_non_null(strstr(wire, "panic: the end 7\r\nT"));
	assert_non_null(strstr(wire, "stopped (noreboot)"));
	/* Another CPU's panic leaves the first one alone: it waits until that stops it. */
	wire_len = 0;
	for_ever = true;
	fake_run_on(1, NULL);
	if (!setjmp(fake_panic_jump))
		panic("elsewhere");
	assert_int_equal(waits, 1000);
	assert_int_equal(halts, 0);
	assert_int_equal(ends, 1);
	/* A panic inside the first one ends the machine, silently; one inside that halts it. */
	fake_run_on(0, NULL);
	if (!setjmp(fake_panic_jump))
		panic("again");
	assert_int_equal(ends, 2);
	if (!setjmp(fake_panic_jump))
		panic("and again");
	assert_int_equal(ends, 2);
	assert_int_equal(halts, 1);
	assert_int_equal(wire_len, 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(boot_output_is_synchronous),
	UNIT_TEST(a_message_begins_a_line),
	UNIT_TEST(level_is_an_option),
	UNIT_TEST(long_messages_are_cut),
	UNIT_TEST(the_ring_can_be_read),
	UNIT_TEST(the_newest_text),
	UNIT_TEST(ring_to_a_bad_address),
	UNIT_TEST(repeated_messages_are_limited),
	UNIT_TEST(guests_write_lines_with_their_name),
	UNIT_TEST(a_flood_is_cut_off),
	UNIT_TEST(input_is_queued),
	UNIT_TEST(output_in_the_background),
	UNIT_TEST(nothing_waits_for_ever),
	UNIT_TEST(panic_shows_everything),
};

UNIT_MAIN(tests)
