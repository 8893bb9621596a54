/* SPDX-License-Identifier: MIT; breaks: dependency; as: xen/include/public/x.h */
#include "common/types.h"
