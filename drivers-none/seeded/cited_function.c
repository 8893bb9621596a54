/* SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: common/evtchn.c */
int x; /* set by warp_engage() */
