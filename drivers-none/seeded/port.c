/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: common/port.c */
void ide_reset(void) { outb(0x1f7, 0x08); }
