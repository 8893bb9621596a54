# SPDX-License-Identifier: GPL-2.0-only; breaks: citation; as: test/unit.mk
check-x: # test/x/WARP.txt: one for each
