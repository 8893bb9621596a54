/* SPDX-License-Identifier: MIT */
/* The hypervisor's CPUID leaves. */
#ifndef XEN_PUBLIC_CPUID_H
#define XEN_PUBLIC_CPUID_H

#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF(i)    (XEN_CPUID_FIRST_LEAF + (i))

/* Leaf 0: EAX the last leaf, EBX, ECX, EDX the signature "XenVMMXenVMM". */
#define XEN_CPUID_SIGNATURE_EBX 0x566e6558
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e

/* Leaf 1: EAX = major << 16 | minor. Leaf 2: EAX hypercall pages, EBX the MSR, ECX features. */

/* Leaf 4, EAX: which properties the domain has. */
#define XEN_HVM_CPUID_VCPU_ID_PRESENT  (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT    (1u << 4)
#define XEN_HVM_CPUID_UPCALL_VECTOR    (1u << 6)

#define XEN_CPUID_MAX_NUM_LEAVES 5

/* The MSR that leaf 2 names: write a page's address, get the hypercall stubs there. */
#define XEN_HYPERCALL_PAGE_MSR 0x40000000

#endif
