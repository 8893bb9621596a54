/* SPDX-License-Identifier: GPL-2.0-only; breaks: dependency; as: arch/x86/mm.c */
#include "common/sched_internal.h"
