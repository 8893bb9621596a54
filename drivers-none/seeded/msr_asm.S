/* SPDX-License-Identifier: GPL-2.0-only; breaks: hardware; as: arch/x86/x.S */
	mov $0x1b, %ecx
	rdmsr
