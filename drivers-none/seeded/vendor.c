/* SPDX-License-Identifier: GPL-2.0-only; breaks: vendor; as: arch/x86/hvm/x.c */
int f(void) { return cpu_features.amd ? 1 : 2; }
