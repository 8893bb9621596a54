/* SPDX-License-Identifier: GPL-2.0-only; breaks: private; as: common/grant_internal.h */
/* What grant.c and grant_map.c share. */
#ifndef COMMON_GRANT_INTERNAL_H
#define COMMON_GRANT_INTERNAL_H
#endif
