/* SPDX-License-Identifier: GPL-2.0-only; breaks: nothing; as: common/evtchn.c */
/*
 * Right: docs/abi.md, domctl; hvm/exit.c and test/unit/NAME_test.c; memcpy(); Linux's warp_engage()
 * and what Xen's tools/libs/warp.c does; build/warp.c; /usr/include/warp.h; Bochs'
 * warp_engage().
 */
const char *x = "warp_engage(), hvm/warp.c";
