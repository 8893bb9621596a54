/* SPDX-License-Identifier: GPL-2.0-only; breaks: if; as: common/x.c */
#ifdef CONFIG_DEBUG
int debug;
#endif
