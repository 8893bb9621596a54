/* SPDX-License-Identifier: GPL-2.0-only; breaks: name; as: dom0-tools/lib/x.h */
struct vcpu {
	int n;
};
