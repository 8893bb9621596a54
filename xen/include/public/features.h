/* SPDX-License-Identifier: MIT */
/* Bit numbers of XENVER_get_features. */
#ifndef XEN_PUBLIC_FEATURES_H
#define XEN_PUBLIC_FEATURES_H

#define XENFEAT_writable_page_tables       0
#define XENFEAT_auto_translated_physmap    2
#define XENFEAT_hvm_callback_vector        8
#define XENFEAT_hvm_safe_pvclock           9
#define XENFEAT_dom0                       11
#define XENFEAT_not_direct_mapped          16

#define XENFEAT_NR_SUBMAPS 1

#endif
