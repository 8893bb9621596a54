/* SPDX-License-Identifier: GPL-2.0-only; breaks: width; as: common/list.h */
/* A comment with a "quotation" in it is text too, and can be broken between any two of its many words. */
int x;
