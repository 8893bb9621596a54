/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_ERROR_H
#define KEEL_LIB_ERROR_H

#include <stdio.h>

/*
 * An error, described once, where it was noticed. Functions of this library return 0 (or a count)
 * on success and a negative errno on failure; the text names what failed, why, and what to do about
 * it. It is meant for the person at the terminal, without a final newline.
 */
struct keel_error {
	int code;
	char text[640];
};

/* Fills in @e and returns -code, so that callers can write `return keel_fail(...)`. */
int keel_fail(struct keel_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for the errno of a call that just failed: appends ": reason" to the text. */
int keel_fail_errno(struct keel_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Control bytes become question marks: a message quotes files of others, and a terminal would do
 * what they say. Both functions above do it.
 */
void keel_plain(char *text);

/* Writes a text that may have any bytes: those that are not UTF-8 become U+FFFD. */
void keel_write_utf8(FILE *out, const char *text);

#endif
