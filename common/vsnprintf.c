/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formatted output: %d %i %u %x %X %o %c %s %p %%, with the flags '-', '0' and
 * '#', width and precision (numbers or '*'), and the lengths hh, h, l, ll, z, t, j.
 * Anything else is printed as it stands.
 */
#include "common/vsnprintf.h"

struct out {
	char *buf;
	size_t size;	/* room, the final 0 included */
	size_t len;	/* what a large enough buffer would hold */
};

struct spec {
	bool left, zero, alt, upper, negative;
	int width, precision;	/* precision < 0: none given */
	unsigned int base;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_string(struct out *o, const char *s, const struct spec *f)
{
	int len;

	if (!s)
		s = "(null)";
	len = (int)(f->precision >= 0 ? strnlen(s, (size_t)f->precision) : strlen(s));
	if (!f->left)
		pad(o, ' ', f->width - len);
	for (int i = 0; i < len; i++)
		put(o, s[i]);
	if (f->left)
		pad(o, ' ', f->width - len);
}

static void put_number(struct out *o, u64 v, const struct spec *f)
{
	const char *digits = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0, zeros, total;
	bool prefix = f->alt && f->base == 16 && v;

	while (v || (n == 0 && f->precision != 0)) {
		tmp[n++] = digits[v % f->base];
		v /= f->base;
	}
	zeros = max(f->precision - n, 0);
	total = n + zeros + f->negative + (prefix ? 2 : 0);
	if (f->zero && !f->left && f->precision < 0) {
		zeros = max(f->width - total, 0);
		total += zeros;
	}
	if (!f->left)
		pad(o, ' ', f->width - total);
	if (f->negative)
		put(o, '-');
	if (prefix) {
		put(o, '0');
		put(o, f->upper ? 'X' : 'x');
	}
	pad(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (f->left)
		pad(o, ' ', f->width - total);
}

/* A width or precision: digits, or '*' for an argument. */
static int parse_count(const char **p, va_list *ap)
{
	int n = 0;

	if (**p == '*') {
		(*p)++;
		return va_arg(*ap, int);
	}
	while (**p >= '0' && **p <= '9' && n < 10000)
		n = n * 10 + *(*p)++ - '0';
	return n;
}

static const char *parse_flags(const char *p, struct spec *f, va_list *ap)
{
	for (;; p++) {
		if (*p == '-')
			f->left = true;
		else if (*p == '0')
			f->zero = true;
		else if (*p == '#')
			f->alt = true;
		else
			break;
	}
	f->width = parse_count(&p, ap);
	if (f->width < 0) {
		f->left = true;
		f->width = -f->width;
	}
	f->precision = -1;
	if (*p == '.') {
		p++;
		f->precision = parse_count(&p, ap);
	}
	return p;
}

/* The length letters, as the size in bytes of the argument (negative: none found is 4). */
static const char *parse_length(const char *p, unsigned int *size)
{
	*size = 4;
	if (*p == 'l' || *p == 'z' || *p == 't' || *p == 'j') {
		*size = 8;
		p += p[0] == 'l' && p[1] == 'l' ? 2 : 1;
	} else if (*p == 'h') {
		*size = p[1] == 'h' ? 1 : 2;
		p += *size == 1 ? 2 : 1;
	}
	return p;
}

static void put_signed(struct out *o, s64 v, struct spec *f)
{
	f->base = 10;
	f->negative = v < 0;
	put_number(o, v < 0 ? -(u64)v : (u64)v, f);
}

static void put_unsigned(struct out *o, u64 v, unsigned int size, char conv, struct spec *f)
{
	f->base = conv == 'u' ? 10 : conv == 'o' ? 8 : 16;
	f->upper = conv == 'X';
	put_number(o, size < 8 ? v & (BIT(size * 8) - 1) : v, f);
}

/* One conversion, after its '%'. Returns where the text goes on. */
static const char *convert(struct out *o, const char *p, va_list *ap)
{
	struct spec f = { 0 };
	const char *start = p;
	unsigned int size;
	s64 v;

	p = parse_length(parse_flags(p, &f, ap), &size);
	switch (*p) {
	case 'd':
	case 'i':
		v = size == 8 ? va_arg(*ap, s64) : va_arg(*ap, int);
		put_signed(o, size == 2 ? (s16)v : size == 1 ? (s8)v : v, &f);
		return p + 1;
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		put_unsigned(o, size == 8 ? va_arg(*ap, u64) : va_arg(*ap, u32), size, *p, &f);
		return p + 1;
	case 'p':
		f.alt = true;
		put_unsigned(o, (u64)va_arg(*ap, void *), 8, 'x', &f);
		return p + 1;
	case 's':
		put_string(o, va_arg(*ap, const char *), &f);
		return p + 1;
	case 'c':
		pad(o, ' ', f.left ? 0 : f.width - 1);
		put(o, (char)va_arg(*ap, int));
		pad(o, ' ', f.left ? f.width - 1 : 0);
		return p + 1;
	case '%':
		put(o, '%');
		return p + 1;
	default:
		put(o, '%');
		return start;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
