/* SPDX-License-Identifier: GPL-2.0-only; breaks: nothing; as: dom0-tools/lib/vf.c */
#include "lib/guest_internal.h"
