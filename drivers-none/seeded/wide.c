/* SPDX-License-Identifier: GPL-2.0-only; breaks: width; as: common/list.h */
int wide(int first, int second) { return first + second + first + second + first + second + first + 1; }
