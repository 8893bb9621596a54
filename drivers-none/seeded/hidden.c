/* SPDX-License-Identifier: GPL-2.0-only; breaks: object (an out written as a byte) */
void f(void);
void f(void) { __asm__ volatile(".byte 0xee" : : "a"(1), "d"(0x1f7)); }
