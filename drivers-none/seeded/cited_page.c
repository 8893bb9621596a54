/* SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: common/x.c */
int x; /* design.md: why it is one */
