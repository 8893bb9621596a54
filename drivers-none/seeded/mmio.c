/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: arch/x86/nic.c */
void f(u64 bar) { *(volatile u32 *)(bar + 0x18) = 1; }
