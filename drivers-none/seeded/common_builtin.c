/* SPDX-License-Identifier: GPL-2.0-only; breaks: neutral; as: common/x.c */
void f(void) { __builtin_ia32_pause(); }
