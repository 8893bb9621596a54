/* SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: common/evtchn.c */
/*
 * The entry of the vector table (hvm/warp.c),
 * which is one.
 */
int x;
