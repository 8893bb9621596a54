# SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: test/lib.sh
true # what test/unit/warp_test.c needs
