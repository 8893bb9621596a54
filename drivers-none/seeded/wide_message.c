/* SPDX-License-Identifier: GPL-2.0-only; breaks: nothing; as: common/list.h */
const char *message = "a text that somebody who sees it will look for is in one piece, however long it has become";
