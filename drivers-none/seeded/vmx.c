/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: arch/x86/svm/x.c */
void f(u64 a) { __asm__ volatile("vmread %0, %0" : "+r"(a)); }
