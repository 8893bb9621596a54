/* SPDX-License-Identifier: GPL-2.0-only; breaks: dependency; as: dom0-tools/keel/x.c */
#include "common/domain.h"
