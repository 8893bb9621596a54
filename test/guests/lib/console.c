/* SPDX-License-Identifier: GPL-2.0-only */
/* Output goes to the hypervisor's console if the domain may use it, else to port 0xE9. */
#include "guest.h"

bool quiet;
static volatile u32 console_lock;

void console_write(const char *text, size_t len)
{
	size_t i;

	if (hypercall(console_io, CONSOLEIO_write, len, text) >= 0)
		return;
	for (i = 0; i < len; i++)
		outb(XEN_HVM_DEBUGCONS_IOPORT, text[i]);
}

struct out {
	char *at, *end;
};

static void put(struct out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void put_number(struct out *o, u64 n, unsigned int base, int width, bool zero, bool negative)
{
	char digits[24];
	int len = 0;

	do {
		digits[len++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	if (negative && !zero)
		digits[len++] = '-';
	else if (negative)
		put(o, '-');
	for (; width > len; width--)
		put(o, zero ? '0' : ' ');
	while (len)
		put(o, digits[--len]);
}

static void put_string(struct out *o, const char *s, int width, int precision)
{
	int n = 0;

	for (s = s ? s : "(null)"; *s && (precision < 0 || n < precision); s++, n++)
		put(o, *s);
	for (; n < width; n++)
		put(o, ' ');
}

/* %d %u %x %c %s %p with 0, #, width, .precision of strings, and l, ll, z. */
int vsnprintk(char *buf, size_t room, const char *fmt, va_list args)
{
	struct out o = { buf, buf + room - 1 };

	for (; *fmt; fmt++) {
		bool zero = false, alt = false, wide = false;
		int width = 0, precision = -1;
		u64 n;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++; *fmt == '0' || *fmt == '#' || *fmt == '-'; fmt++) {
			zero |= *fmt == '0';
			alt |= *fmt == '#';
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		if (*fmt == '.') {
			fmt++;
			precision = 0;
			if (*fmt == '*') {
				precision = va_arg(args, int);
				fmt++;
			}
			for (; *fmt >= '0' && *fmt <= '9'; fmt++)
				precision = precision * 10 + *fmt - '0';
		}
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			wide = true;
		switch (*fmt) {
		case 'd':
			n = wide ? (u64)va_arg(args, long) : (u64)(long)va_arg(args, int);
			put_number(&o, (long)n < 0 ? -n : n, 10, width, zero, (long)n < 0);
			break;
		case 'u':
		case 'x':
		case 'p':
			wide |= *fmt == 'p';
			n = wide ? va_arg(args, unsigned long) : va_arg(args, unsigned int);
			if (alt)
				put_string(&o, "0x", 0, -1);
			put_number(&o, n, *fmt == 'u' ? 10 : 16, width, zero, false);
			break;
		case 'c':
			put(&o, va_arg(args, int));
			break;
		case 's':
			put_string(&o, va_arg(args, const char *), width, precision);
			break;
		default:
			put(&o, *fmt);
		}
	}
	*o.at = 0;
	return o.at - buf;
}

int snprintk(char *out, size_t room, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintk(out, room, fmt, args);
	va_end(args);
	return len;
}

void printk(const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	if (quiet)
		return;
	va_start(args, fmt);
	len = vsnprintk(line, sizeof(line), fmt, args);
	va_end(args);
	while (__atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	console_write(line, len);
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
}
