/* SPDX-License-Identifier: GPL-2.0-only; breaks: dependency; as: arch/x86/include/machine/x.h */
#include "arch/x86/cpu.h"
