/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: common/port_asm.c */
void f(void) { __asm__ volatile("outb %0, %1" : : "a"(1), "Nd"(0x1f7)); }
