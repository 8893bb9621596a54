/* SPDX-License-Identifier: GPL-2.0-only; breaks: dependency; as: common/x.c */
#include "arch/x86/cpu.h"
