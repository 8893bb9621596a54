/* SPDX-License-Identifier: GPL-2.0-only; breaks: neutral; as: common/x.c */
void *f(unsigned long pa) { return (void *)(0xffff800000000000ul + pa); }
