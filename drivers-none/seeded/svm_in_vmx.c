/* SPDX-License-Identifier: GPL-2.0-only; breaks: dependency; as: arch/x86/vmx/x.c */
#include "arch/x86/svm/vmcb.h"
