/* SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: common/evtchn.c */
int x; /* docs/abi.md 5.2 item 11 */
