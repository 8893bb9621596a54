/* SPDX-License-Identifier: GPL-2.0-only; breaks: neutral; as: common/x.c */
unsigned int f(const struct pcpu *c) { return c->apic_id; }
