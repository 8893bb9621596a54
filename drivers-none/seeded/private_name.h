/* SPDX-License-Identifier: GPL-2.0-only; breaks: private; as: common/grant_shared.h */
/*
 * Private header of grant.c and grant_map.c, under a name that says nothing of it.
 */
#ifndef COMMON_GRANT_SHARED_H
#define COMMON_GRANT_SHARED_H
#endif
