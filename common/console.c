/* SPDX-License-Identifier: GPL-2.0-only */
/* The console: its rings, the serial line, guests' output, and input. */
#include "common/console.h"

#include <public/errno.h>
#include <public/event_channel.h>

#include "common/guest_access.h"
#include "common/printk.h"
#include "common/vsnprintf.h"

#define RING_SIZE 65536u	/* powers of two */
#define LINE_SIZE 65536u
#define INPUT_SIZE 256u
#define READ_CHUNK 512u
#define DRAIN_LIMIT 512u	/* bytes a call */
#define DRAIN_RETRY 10000000ull	/* ns: polls, in case an interrupt gets lost */

#define GUEST_LINE 160u
#define GUEST_LINES 8u
#define GUEST_BURST 131072ll	/* bytes that a guest may write in a burst */
#define GUEST_RATE 16384ll	/* bytes a second after that */

/* C: console_lock. Indices count bytes since boot, and wrap at 2^32. */
static spinlock_t console_lock = SPINLOCK_INIT(RANK_CONSOLE);
static char ring[RING_SIZE];
static u32 ring_end, ring_start;	/* C */
static char line[LINE_SIZE];
static u32 line_end, line_start;	/* C */
static u32 line_lost;			/* C: bytes that found no room */
static char line_last = '\n';		/* C: last byte put into the line's ring */
static char wire_last;			/* C: last byte given to the UART */
static bool ring_changed;		/* atomic: VIRQ_CON_RING is due */
static bool sync_output = true;		/* atomic */
static bool no_lock;			/* panic: whoever holds the lock may be stopped */
static char input[INPUT_SIZE];
static u32 input_end, input_start;	/* C */
static struct timer drain_timer;
static bool drain_timer_ready;

static void lock_console(void)
{
	if (!READ_ONCE(no_lock))
		spin_lock(&console_lock);
}

static void unlock_console(void)
{
	if (!READ_ONCE(no_lock))
		spin_unlock(&console_lock);
}

static void put_ring(const char *s, size_t len)
{
	for (; len; len--, s++)
		ring[ring_end++ % RING_SIZE] = *s;
	if (ring_end - ring_start > RING_SIZE)
		ring_start = ring_end - RING_SIZE;
}

/* To the wire, adding carriage returns where the writer put none. */
static void putc_sync(char c)
{
	if (c == '\n' && wire_last != '\r')
		arch_uart_putc_sync('\r');
	arch_uart_putc_sync(c);
	arch_screen_putc(c);
	wire_last = c;
}

static void put_line(const char *s, size_t len)
{
	for (; len; len--, s++) {
		line_last = *s;
		if (READ_ONCE(sync_output)) {
			putc_sync(*s);
		} else if (line_end - line_start < LINE_SIZE) {
			line[line_end++ % LINE_SIZE] = *s;
		} else {
			line_lost++;
		}
	}
}

/* After output: this CPU writes the rest before it returns to a guest. */
static void output_pending(void)
{
	if (!READ_ONCE(sync_output))
		pcpu_kick(this_cpu(), WORK_CONSOLE);
}

void console_message(const char *s, size_t len)
{
	lock_console();
	if (line_last != '\n')
		put_line("\n", 1);
	put_ring(s, len);
	put_line(s, len);
	unlock_console();
	WRITE_ONCE(ring_changed, true);
	output_pending();
}

void console_line_write(const char *s, size_t len)
{
	lock_console();
	put_line(s, len);
	unlock_console();
	output_pending();
}

size_t console_line_room(void)
{
	return LINE_SIZE - (READ_ONCE(line_end) - READ_ONCE(line_start));
}

/* Passes one run of bytes to the UART; false if it accepts no more now. C. */
static bool drain_some(void)
{
	u32 pos = line_start % LINE_SIZE;
	u32 n = min(min(line_end - line_start, LINE_SIZE - pos), 16u);
	const char *newline = memchr(line + pos, '\n', n);
	char before = newline == line + pos ? wire_last : newline ? newline[-1] : 0;
	size_t done;

	if (!n)
		return false;
	if (newline) {
		/* Up to the newline, or with it if its carriage return is there. */
		n = (u32)(newline - (line + pos)) + (before == '\r');
		if (!n) {
			if (!arch_uart_write("\r", 1))
				return false;
			wire_last = '\r';
			return true;
		}
	}
	done = arch_uart_write(line + pos, n);
	if (done)
		wire_last = line[pos + done - 1];
	line_start += (u32)done;
	return done == n;
}

void console_drain(void)
{
	u32 limit = line_start + DRAIN_LIMIT, lost = 0, left;

	lock_console();
	while ((s32)(limit - line_start) > 0 && drain_some())
		;
	left = line_end - line_start;
	if (left < LINE_SIZE / 2) {
		lost = line_lost;
		line_lost = 0;
	}
	unlock_console();
	if (lost)
		pr_warn("console: %u bytes were lost: the serial line is too slow", lost);
	if (left && drain_timer_ready && !READ_ONCE(sync_output))
		timer_set(&drain_timer, now() + DRAIN_RETRY);
	if (READ_ONCE(ring_changed)) {
		WRITE_ONCE(ring_changed, false);
		send_global_virq(VIRQ_CON_RING);
	}
}

static void drain_timer_fired(void *data) { console_drain(); }

void console_start_async(void)
{
	timer_init(&drain_timer, this_cpu(), drain_timer_fired, NULL);
	drain_timer_ready = true;
	arch_uart_start();
	WRITE_ONCE(sync_output, false);
}

void console_start_sync(void)
{
	/*
	 * The lock's holder may be the CPU that panics, or one that was stopped: do not wait long.
	 */
	for (unsigned int i = 0; i < 1000000 && spin_is_locked(&console_lock); i++)
		cpu_relax();
	WRITE_ONCE(no_lock, true);
	WRITE_ONCE(sync_output, true);
	while ((s32)(line_end - line_start) > 0) /* two CPUs may do this at once */
		putc_sync(line[line_start++ % LINE_SIZE]);
}

size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 gva, u32 count, int *err)
{
	char buf[READ_CHUNK];
	size_t done = 0;
	u32 pos, n;

	pos = incremental ? *index : READ_ONCE(ring_start);
	*err = 0;
	while (done < count) {
		lock_console();
		/* Too old, or in the future: start with the oldest byte. */
		if (ring_end - pos > RING_SIZE || (s32)(pos - ring_start) < 0)
			pos = ring_start;
		n = min(min(ring_end - pos, READ_CHUNK), count - (u32)done);
		for (u32 i = 0; i < n; i++)
			buf[i] = ring[(pos + i) % RING_SIZE];
		unlock_console();
		if (!n)
			break;
		*err = copy_to_guest(gva + done, buf, n);
		if (*err)
			return done;
		pos += n;
		done += n;
	}
	lock_console();
	if (clear && (s32)(pos - ring_start) > 0)
		ring_start = pos;
	unlock_console();
	*index = pos;
	return done;
}

size_t console_newest(char *buf, size_t len)
{
	u32 n = (u32)min_t(size_t, len, ring_end - ring_start);

	for (u32 i = 0; i < n; i++)
		buf[i] = ring[(ring_end - n + i) % RING_SIZE];
	return n;
}

void console_input(char c)
{
	lock_console();
	if (input_end - input_start < INPUT_SIZE)
		input[input_end++ % INPUT_SIZE] = c;
	unlock_console();
	send_global_virq(VIRQ_CONSOLE);
}

size_t console_read_input(char *buf, size_t len)
{
	size_t n = 0;

	lock_console();
	while (n < len && input_start != input_end)
		buf[n++] = input[input_start++ % INPUT_SIZE];
	unlock_console();
	return n;
}

/*
 * Guests' lines: a few are collected at a time. A guest that finds no free buffer flushes the
 * oldest.
 */
struct guest_line {
	struct domain *d;
	u64 used;		/* ns: when last written */
	s64 credit;		/* bytes */
	u64 credited;		/* ns */
	u32 lost;
	unsigned int len;
	char buf[GUEST_LINE];
};

static spinlock_t guest_lock = SPINLOCK_INIT(RANK_HW); /* G: below the console's lock */
static struct guest_line guest_lines[GUEST_LINES];	/* G */

static void end_guest_line(struct guest_line *g)
{
	char buf[GUEST_LINE + 48];
	int n;

	if (!g->len)
		return;
	if (g->d->name[0])
		n = snprintf(buf, sizeof(buf), "(%s) %.*s\n", g->d->name, (int)g->len, g->buf);
	else
		n = snprintf(buf, sizeof(buf), "(d%u) %.*s\n", g->d->id, (int)g->len, g->buf);
	g->len = 0;
	console_message(buf, (size_t)n);
}

static struct guest_line *find_guest_line(struct domain *d)
{
	struct guest_line *oldest = &guest_lines[0];

	for (unsigned int i = 0; i < GUEST_LINES; i++) {
		if (guest_lines[i].d == d)
			return &guest_lines[i];
		if (!guest_lines[i].d || (oldest->d && guest_lines[i].used < oldest->used))
			oldest = &guest_lines[i];
	}
	if (oldest->d)
		end_guest_line(oldest);
	*oldest = (struct guest_line){ .d = d, .credit = GUEST_BURST, .credited = now() };
	return oldest;
}

/* Subtracts the bytes from the guest's credit; false: it wrote too much. */
static bool guest_may_write(struct guest_line *g, size_t len)
{
	u64 t = now();
	s64 gain = (s64)(min(t - g->credited, 10000000000ull) / 1000) * GUEST_RATE / 1000000;

	if (gain) {
		g->credit = min(g->credit + gain, GUEST_BURST);
		g->credited = t;
	}
	if (g->credit < (s64)len) {
		g->lost += (u32)len;
		return false;
	}
	g->credit -= (s64)len;
	if (g->lost) {
		pr_warn("d%u: %u bytes of its output were left out: it writes too much", g->d->id, g->lost);
		g->lost = 0;
	}
	return true;
}

void console_guest_write(struct domain *d, const char *s, size_t len)
{
	struct guest_line *g;

	spin_lock(&guest_lock);
	g = find_guest_line(d);
	g->used = now();
	if (!guest_may_write(g, len))
		len = 0;
	for (; len; len--, s++) {
		if (*s == '\n' || g->len == sizeof(g->buf))
			end_guest_line(g);
		/*
		 * Control characters could hide or fake other output; ESC and TAB are common and harmless inside
		 * a line.
		 */
		if (*s != '\n' && *s != '\r' && ((u8)*s >= ' ' || *s == '\t' || *s == 27))
			g->buf[g->len++] = *s;
	}
	spin_unlock(&guest_lock);
}

void console_guest_end(struct domain *d)
{
	spin_lock(&guest_lock);
	for (unsigned int i = 0; i < GUEST_LINES; i++) {
		if (guest_lines[i].d != d)
			continue;
		end_guest_line(&guest_lines[i]);
		guest_lines[i].d = NULL;
	}
	spin_unlock(&guest_lock);
}
