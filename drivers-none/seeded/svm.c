/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: arch/x86/hvm/x.c */
void f(u64 pa) { __asm__ volatile("vmload %%rax" : : "a"(pa)); }
