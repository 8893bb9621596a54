/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: common/msr.c */
u64 f(void) { return rdmsr(MSR_EFER); }
