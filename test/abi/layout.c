/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sizes and key offsets of the ABI's structs, measured with the headers of Xen 4.17 and
 * 4.20, asserted under the flags that the hypervisor itself is compiled with. table.c compares
 * field by field what libxen-dev also has; structs that are new in 4.20 are only here.
 */
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hvm/save.h>
#include <public/hvm/start_info.h>
#include <public/hypfs.h>
#include <public/io/console.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/x86_32.h>
#include <public/xen.h>

#include "test/abi/refused.h"

#define XEN_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), "ABI: size of " #type)
#define XEN_ASSERT_OFFSET(type, field, bytes) \
	_Static_assert(offsetof(type, field) == (bytes), "ABI: offset of " #field " in " #type)

/* public/domctl.h */
XEN_ASSERT_SIZE(struct xen_arch_domainconfig, 8);
XEN_ASSERT_SIZE(struct xen_domctl_createdomain_v15, 64);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v15, flags, 20);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v15, grant_opts, 44);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v15, cpupool_id, 52);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v15, arch, 56);
XEN_ASSERT_SIZE(struct xen_domctl_createdomain_v17, 68);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v17, altp2m_opts, 48);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v17, cpupool_id, 56);
XEN_ASSERT_OFFSET(struct xen_domctl_createdomain_v17, arch, 60);
XEN_ASSERT_SIZE(struct xen_domctl_getdomaininfo, 112);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, flags, 4);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, tot_pages, 8);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, shared_info_frame, 48);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, cpu_time, 56);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, max_vcpu_id, 68);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, handle, 76);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, cpupool, 92);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, gpaddr_bits, 96);
XEN_ASSERT_OFFSET(struct xen_domctl_getdomaininfo, arch_config, 104);
XEN_ASSERT_SIZE(struct xen_domctl_getpageframeinfo3, 16);
XEN_ASSERT_SIZE(struct xen_domctl_shadow_op_stats, 8);
XEN_ASSERT_SIZE(struct xen_domctl_shadow_op, 40);
XEN_ASSERT_OFFSET(struct xen_domctl_shadow_op, dirty_bitmap, 16);
XEN_ASSERT_OFFSET(struct xen_domctl_shadow_op, pages, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_shadow_op, stats, 32);
XEN_ASSERT_SIZE(struct xen_domctl_max_mem, 8);
XEN_ASSERT_SIZE(struct vcpu_guest_context, 5168);
XEN_ASSERT_OFFSET(struct vcpu_guest_context, user_regs, 520);
XEN_ASSERT_OFFSET(struct vcpu_guest_context, ctrlreg, 4984);
XEN_ASSERT_OFFSET(struct vcpu_guest_context, gs_base_user, 5160);
XEN_ASSERT_SIZE(struct xen_domctl_vcpucontext, 16);
XEN_ASSERT_OFFSET(struct xen_domctl_vcpucontext, ctxt, 8);
XEN_ASSERT_SIZE(struct xen_domctl_getvcpuinfo, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_getvcpuinfo, cpu_time, 8);
XEN_ASSERT_OFFSET(struct xen_domctl_getvcpuinfo, cpu, 16);
XEN_ASSERT_SIZE(struct xen_domctl_nodeaffinity, 16);
XEN_ASSERT_SIZE(struct xen_domctl_vcpuaffinity, 40);
XEN_ASSERT_OFFSET(struct xen_domctl_vcpuaffinity, cpumap_soft, 24);
XEN_ASSERT_SIZE(struct xen_domctl_max_vcpus, 4);
XEN_ASSERT_SIZE(struct xen_domctl_sched_credit2, 4);
XEN_ASSERT_SIZE(struct xen_domctl_scheduler_op, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_scheduler_op, u, 8);
XEN_ASSERT_SIZE(struct xen_domctl_setdomainhandle, 16);
XEN_ASSERT_SIZE(struct xen_domctl_irq_permission, 8);
XEN_ASSERT_SIZE(struct xen_domctl_iomem_permission, 24);
XEN_ASSERT_SIZE(struct xen_domctl_ioport_permission, 12);
XEN_ASSERT_SIZE(struct xen_domctl_settimeoffset, 8);
XEN_ASSERT_SIZE(struct xen_domctl_hvmcontext, 16);
XEN_ASSERT_OFFSET(struct xen_domctl_hvmcontext, buffer, 8);
XEN_ASSERT_SIZE(struct xen_domctl_sendtrigger, 8);
XEN_ASSERT_SIZE(struct xen_domctl_assign_device, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_assign_device, u, 8);
XEN_ASSERT_SIZE(struct xen_domctl_get_device_group, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_get_device_group, sdev_array, 16);
XEN_ASSERT_SIZE(struct xen_domctl_cpu_policy, 40);
XEN_ASSERT_OFFSET(struct xen_domctl_cpu_policy, leaves, 8);
XEN_ASSERT_OFFSET(struct xen_domctl_cpu_policy, err_leaf, 24);
XEN_ASSERT_SIZE(struct xen_domctl_subscribe, 4);
XEN_ASSERT_SIZE(struct xen_domctl_tsc_info, 24);
XEN_ASSERT_OFFSET(struct xen_domctl_tsc_info, elapsed_nsec, 16);
XEN_ASSERT_SIZE(struct xen_domctl_paging_mempool, 8);
XEN_ASSERT_SIZE(struct xen_domctl, 144);
XEN_ASSERT_OFFSET(struct xen_domctl, domain, 8);
XEN_ASSERT_OFFSET(struct xen_domctl, u, 16);

/* public/event_channel.h */
XEN_ASSERT_SIZE(struct evtchn_alloc_unbound, 8);
XEN_ASSERT_OFFSET(struct evtchn_alloc_unbound, port, 4);
XEN_ASSERT_SIZE(struct evtchn_bind_interdomain, 12);
XEN_ASSERT_SIZE(struct evtchn_bind_virq, 12);
XEN_ASSERT_SIZE(struct evtchn_bind_ipi, 8);
XEN_ASSERT_SIZE(struct evtchn_close, 4);
XEN_ASSERT_SIZE(struct evtchn_send, 4);
XEN_ASSERT_SIZE(struct evtchn_status, 24);
XEN_ASSERT_OFFSET(struct evtchn_status, u, 16);
XEN_ASSERT_SIZE(struct evtchn_bind_vcpu, 8);
XEN_ASSERT_SIZE(struct evtchn_unmask, 4);
XEN_ASSERT_SIZE(struct evtchn_reset, 2);

/* public/grant_table.h */
XEN_ASSERT_SIZE(struct grant_entry_v1, 8);
XEN_ASSERT_OFFSET(struct grant_entry_v1, domid, 2);
XEN_ASSERT_OFFSET(struct grant_entry_v1, frame, 4);
XEN_ASSERT_SIZE(struct gnttab_map_grant_ref, 32);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, flags, 8);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, ref, 12);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, dom, 16);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, status, 18);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, handle, 20);
XEN_ASSERT_OFFSET(struct gnttab_map_grant_ref, dev_bus_addr, 24);
XEN_ASSERT_SIZE(struct gnttab_unmap_grant_ref, 24);
XEN_ASSERT_OFFSET(struct gnttab_unmap_grant_ref, handle, 16);
XEN_ASSERT_OFFSET(struct gnttab_unmap_grant_ref, status, 20);
XEN_ASSERT_SIZE(struct gnttab_setup_table, 24);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, nr_frames, 4);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, status, 8);
XEN_ASSERT_OFFSET(struct gnttab_setup_table, frame_list, 16);
XEN_ASSERT_SIZE(struct gnttab_copy_ptr, 16);
XEN_ASSERT_OFFSET(struct gnttab_copy_ptr, domid, 8);
XEN_ASSERT_OFFSET(struct gnttab_copy_ptr, offset, 10);
XEN_ASSERT_SIZE(struct gnttab_copy, 40);
XEN_ASSERT_OFFSET(struct gnttab_copy, dest, 16);
XEN_ASSERT_OFFSET(struct gnttab_copy, len, 32);
XEN_ASSERT_OFFSET(struct gnttab_copy, status, 36);
XEN_ASSERT_SIZE(struct gnttab_query_size, 16);
XEN_ASSERT_OFFSET(struct gnttab_query_size, status, 12);
XEN_ASSERT_SIZE(struct gnttab_set_version, 4);
XEN_ASSERT_SIZE(struct gnttab_unmap_and_replace, 24);
XEN_ASSERT_SIZE(struct gnttab_swap_grant_ref, 12);
XEN_ASSERT_SIZE(struct gnttab_get_version, 8);
XEN_ASSERT_OFFSET(struct gnttab_get_version, version, 4);

/* public/hvm/hvm_op.h */
XEN_ASSERT_SIZE(struct xen_hvm_param, 16);
XEN_ASSERT_OFFSET(struct xen_hvm_param, index, 4);
XEN_ASSERT_OFFSET(struct xen_hvm_param, value, 8);
XEN_ASSERT_SIZE(struct xen_hvm_get_time, 8);
XEN_ASSERT_SIZE(struct xen_hvm_get_mem_type, 16);
XEN_ASSERT_OFFSET(struct xen_hvm_get_mem_type, pfn, 8);
XEN_ASSERT_SIZE(struct xen_hvm_evtchn_upcall_vector, 8);
XEN_ASSERT_OFFSET(struct xen_hvm_evtchn_upcall_vector, vector, 4);

/* public/hvm/hvm_vcpu.h */
XEN_ASSERT_SIZE(struct vcpu_hvm_x86_32, 120);
XEN_ASSERT_SIZE(struct vcpu_hvm_x86_64, 112);
XEN_ASSERT_SIZE(struct vcpu_hvm_context, 128);
XEN_ASSERT_OFFSET(struct vcpu_hvm_context, cpu_regs, 8);

/* public/hvm/save.h */
XEN_ASSERT_SIZE(struct hvm_save_descriptor, 8);
XEN_ASSERT_SIZE(struct hvm_save_header, 24);
XEN_ASSERT_OFFSET(struct hvm_save_header, gtsc_khz, 20);
XEN_ASSERT_SIZE(struct hvm_hw_cpu, 1032);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu, rax, 512);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu, rip, 640);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu, cs_sel, 736);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu, tsc, 1008);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu, pending_event, 1016);
XEN_ASSERT_SIZE(struct hvm_hw_lapic, 24);
XEN_ASSERT_OFFSET(struct hvm_hw_lapic, tdt_msr, 16);
XEN_ASSERT_SIZE(struct hvm_hw_lapic_v20, 32);
XEN_ASSERT_SIZE(struct hvm_hw_lapic_regs, 1024);
XEN_ASSERT_SIZE(struct hvm_hw_mtrr, 240);
XEN_ASSERT_OFFSET(struct hvm_hw_mtrr, msr_mtrr_fixed, 136);
XEN_ASSERT_OFFSET(struct hvm_hw_mtrr, msr_mtrr_def_type, 232);
XEN_ASSERT_SIZE(struct hvm_hw_cpu_xsave_hdr, 64);
XEN_ASSERT_SIZE(struct hvm_hw_cpu_xsave, 600);
XEN_ASSERT_OFFSET(struct hvm_hw_cpu_xsave, save_area, 24);
XEN_ASSERT_SIZE(struct hvm_vmce_vcpu, 32);
XEN_ASSERT_OFFSET(struct hvm_vmce_vcpu, mcg_ext_ctl, 24);
XEN_ASSERT_SIZE(struct hvm_tsc_adjust, 8);
XEN_ASSERT_SIZE(struct hvm_one_msr, 16);
XEN_ASSERT_SIZE(struct hvm_msr, 8);

/* public/hvm/start_info.h */
XEN_ASSERT_SIZE(struct hvm_start_info, 56);
XEN_ASSERT_OFFSET(struct hvm_start_info, modlist_paddr, 16);
XEN_ASSERT_OFFSET(struct hvm_start_info, memmap_paddr, 40);
XEN_ASSERT_OFFSET(struct hvm_start_info, memmap_entries, 48);
XEN_ASSERT_SIZE(struct hvm_modlist_entry, 32);
XEN_ASSERT_SIZE(struct hvm_memmap_table_entry, 24);

/* public/hypfs.h */
XEN_ASSERT_SIZE(struct xen_hypfs_direntry, 12);
XEN_ASSERT_SIZE(struct xen_hypfs_dirlistentry, 16);
XEN_ASSERT_OFFSET(struct xen_hypfs_dirlistentry, name, 14);

/* public/io/console.h */
XEN_ASSERT_SIZE(struct xencons_interface, 3088);
XEN_ASSERT_OFFSET(struct xencons_interface, out, 1024);
XEN_ASSERT_OFFSET(struct xencons_interface, in_cons, 3072);

/* public/memory.h */
XEN_ASSERT_SIZE(struct xen_memory_reservation, 32);
XEN_ASSERT_OFFSET(struct xen_memory_reservation, nr_extents, 8);
XEN_ASSERT_OFFSET(struct xen_memory_reservation, extent_order, 16);
XEN_ASSERT_OFFSET(struct xen_memory_reservation, mem_flags, 20);
XEN_ASSERT_OFFSET(struct xen_memory_reservation, domid, 24);
XEN_ASSERT_SIZE(struct xen_memory_domain, 2);
XEN_ASSERT_SIZE(struct xen_add_to_physmap, 24);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap, size, 2);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap, space, 4);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap, idx, 8);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap, gpfn, 16);
XEN_ASSERT_SIZE(struct xen_add_to_physmap_batch, 32);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap_batch, size, 4);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap_batch, u, 6);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap_batch, idxs, 8);
XEN_ASSERT_OFFSET(struct xen_add_to_physmap_batch, errs, 24);
XEN_ASSERT_SIZE(struct xen_remove_from_physmap, 16);
XEN_ASSERT_OFFSET(struct xen_remove_from_physmap, gpfn, 8);
XEN_ASSERT_SIZE(struct xen_memory_map, 16);
XEN_ASSERT_OFFSET(struct xen_memory_map, buffer, 8);
XEN_ASSERT_SIZE(struct xen_foreign_memory_map, 24);
XEN_ASSERT_OFFSET(struct xen_foreign_memory_map, map, 8);
XEN_ASSERT_SIZE(struct xen_pod_target, 40);
XEN_ASSERT_OFFSET(struct xen_pod_target, domid, 32);
XEN_ASSERT_SIZE(struct xen_reserved_device_memory, 16);
XEN_ASSERT_SIZE(struct xen_reserved_device_memory_map, 24);
XEN_ASSERT_SIZE(struct xen_mem_acquire_resource, 32);
XEN_ASSERT_OFFSET(struct xen_mem_acquire_resource, type, 2);
XEN_ASSERT_OFFSET(struct xen_mem_acquire_resource, nr_frames, 8);
XEN_ASSERT_OFFSET(struct xen_mem_acquire_resource, frame, 16);
XEN_ASSERT_OFFSET(struct xen_mem_acquire_resource, frame_list, 24);

/* public/physdev.h */
XEN_ASSERT_SIZE(struct physdev_map_pirq, 40);
XEN_ASSERT_OFFSET(struct physdev_map_pirq, type, 4);
XEN_ASSERT_OFFSET(struct physdev_map_pirq, table_base, 32);
XEN_ASSERT_SIZE(struct physdev_unmap_pirq, 8);
XEN_ASSERT_SIZE(struct physdev_manage_pci, 2);
XEN_ASSERT_SIZE(struct physdev_setup_gsi, 8);
XEN_ASSERT_OFFSET(struct physdev_setup_gsi, polarity, 5);
XEN_ASSERT_SIZE(struct physdev_pci_mmcfg_reserved, 16);
XEN_ASSERT_OFFSET(struct physdev_pci_mmcfg_reserved, flags, 12);
XEN_ASSERT_SIZE(struct physdev_pci_device_add, 12);
XEN_ASSERT_OFFSET(struct physdev_pci_device_add, flags, 4);
XEN_ASSERT_OFFSET(struct physdev_pci_device_add, physfn, 8);
XEN_ASSERT_SIZE(struct physdev_pci_device, 4);

/* public/platform.h */
XEN_ASSERT_SIZE(struct xenpf_settime64, 24);
XEN_ASSERT_SIZE(struct xenpf_pcpuinfo, 20);
XEN_ASSERT_OFFSET(struct xenpf_microcode_update, length, 8);
XEN_ASSERT_SIZE(struct xenpf_microcode_update2, 16);
XEN_ASSERT_OFFSET(struct xenpf_microcode_update2, length, 4);
XEN_ASSERT_OFFSET(struct xenpf_microcode_update2, data, 8);
XEN_ASSERT_SIZE(struct xenpf_efi_time, 16);
XEN_ASSERT_OFFSET(struct xenpf_efi_time, ns, 8);
XEN_ASSERT_SIZE(struct xenpf_efi_guid, 16);
XEN_ASSERT_SIZE(struct xenpf_efi_runtime_call, 56);
XEN_ASSERT_OFFSET(struct xenpf_efi_runtime_call, u, 16);
XEN_ASSERT_OFFSET(struct xenpf_efi_runtime_call, u.get_variable.vendor_guid, 40);
XEN_ASSERT_OFFSET(struct xenpf_efi_runtime_call, u.get_next_variable_name.name, 24);
XEN_ASSERT_OFFSET(struct xenpf_efi_runtime_call, u.query_variable_info.max_size, 40);
XEN_ASSERT_OFFSET(struct xenpf_firmware_info, u.efi_info.cfg.nent, 16);
XEN_ASSERT_OFFSET(struct xenpf_firmware_info, u.efi_info.mem.type, 32);
XEN_ASSERT_SIZE(struct xen_platform_op, 136);
XEN_ASSERT_OFFSET(struct xen_platform_op, u, 8);

/* public/sched.h */
XEN_ASSERT_SIZE(struct sched_shutdown, 4);
XEN_ASSERT_SIZE(struct sched_poll, 24);
XEN_ASSERT_OFFSET(struct sched_poll, nr_ports, 8);
XEN_ASSERT_OFFSET(struct sched_poll, timeout, 16);
XEN_ASSERT_SIZE(struct sched_remote_shutdown, 8);
XEN_ASSERT_OFFSET(struct sched_remote_shutdown, reason, 4);

/* public/sysctl.h */
XEN_ASSERT_SIZE(struct xen_sysctl_readconsole, 24);
XEN_ASSERT_OFFSET(struct xen_sysctl_readconsole, index, 4);
XEN_ASSERT_OFFSET(struct xen_sysctl_readconsole, buffer, 8);
XEN_ASSERT_OFFSET(struct xen_sysctl_readconsole, count, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_physinfo, 112);
XEN_ASSERT_OFFSET(struct xen_sysctl_physinfo, capabilities, 28);
XEN_ASSERT_OFFSET(struct xen_sysctl_physinfo, total_pages, 40);
XEN_ASSERT_OFFSET(struct xen_sysctl_physinfo, hw_cap, 80);
XEN_ASSERT_SIZE(struct xen_sysctl_sched_id, 4);
XEN_ASSERT_SIZE(struct xen_sysctl_getdomaininfolist, 24);
XEN_ASSERT_OFFSET(struct xen_sysctl_getdomaininfolist, num_domains, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_debug_keys, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_availheap, 24);
XEN_ASSERT_OFFSET(struct xen_sysctl_availheap, avail_bytes, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_cputopo, 12);
XEN_ASSERT_SIZE(struct xen_sysctl_cputopoinfo, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_meminfo, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_numainfo, 24);
XEN_ASSERT_SIZE(struct xen_sysctl_cpupool_op, 40);
XEN_ASSERT_OFFSET(struct xen_sysctl_cpupool_op, cpumap, 24);
XEN_ASSERT_SIZE(struct xen_sysctl_credit_schedule, 12);
XEN_ASSERT_SIZE(struct xen_sysctl_credit2_schedule, 4);
XEN_ASSERT_SIZE(struct xen_sysctl_scheduler_op, 32);
XEN_ASSERT_OFFSET(struct xen_sysctl_scheduler_op, u, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_pcitopoinfo, 24);
XEN_ASSERT_OFFSET(struct xen_sysctl_pcitopoinfo, devs, 8);
XEN_ASSERT_SIZE(struct xen_sysctl_cpu_featureset, 16);
XEN_ASSERT_SIZE(struct xen_sysctl_cpu_policy, 32);
XEN_ASSERT_OFFSET(struct xen_sysctl_cpu_policy, leaves, 16);
XEN_ASSERT_SIZE(struct xen_sysctl, 136);
XEN_ASSERT_OFFSET(struct xen_sysctl, u, 8);

/* public/vcpu.h */
XEN_ASSERT_SIZE(struct vcpu_runstate_info, 48);
XEN_ASSERT_OFFSET(struct vcpu_runstate_info, state_entry_time, 8);
XEN_ASSERT_OFFSET(struct vcpu_runstate_info, time, 16);
XEN_ASSERT_SIZE(struct vcpu_register_runstate_memory_area, 8);
XEN_ASSERT_SIZE(struct vcpu_set_periodic_timer, 8);
XEN_ASSERT_SIZE(struct vcpu_set_singleshot_timer, 16);
XEN_ASSERT_OFFSET(struct vcpu_set_singleshot_timer, flags, 8);
XEN_ASSERT_SIZE(struct vcpu_register_vcpu_info, 16);
XEN_ASSERT_OFFSET(struct vcpu_register_vcpu_info, offset, 8);
XEN_ASSERT_SIZE(struct vcpu_register_time_memory_area, 8);

/* public/version.h */
XEN_ASSERT_SIZE(struct xen_compile_info, 144);
XEN_ASSERT_SIZE(struct xen_platform_parameters, 8);
XEN_ASSERT_SIZE(struct xen_feature_info, 8);
XEN_ASSERT_SIZE(struct xen_varbuf, 4);

/* public/xen.h */
XEN_ASSERT_SIZE(struct vcpu_time_info, 32);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_timestamp, 8);
XEN_ASSERT_OFFSET(struct vcpu_time_info, system_time, 16);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_to_system_mul, 24);
XEN_ASSERT_OFFSET(struct vcpu_time_info, tsc_shift, 28);
XEN_ASSERT_OFFSET(struct vcpu_time_info, flags, 29);
XEN_ASSERT_SIZE(struct arch_vcpu_info, 16);
XEN_ASSERT_SIZE(struct vcpu_info, 64);
XEN_ASSERT_OFFSET(struct vcpu_info, evtchn_upcall_mask, 1);
XEN_ASSERT_OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
XEN_ASSERT_OFFSET(struct vcpu_info, arch, 16);
XEN_ASSERT_OFFSET(struct vcpu_info, time, 32);
XEN_ASSERT_SIZE(struct arch_shared_info, 48);
XEN_ASSERT_SIZE(struct shared_info, 3136);
XEN_ASSERT_OFFSET(struct shared_info, evtchn_pending, 2048);
XEN_ASSERT_OFFSET(struct shared_info, evtchn_mask, 2560);
XEN_ASSERT_OFFSET(struct shared_info, wc_version, 3072);
XEN_ASSERT_OFFSET(struct shared_info, wc_sec_hi, 3084);
XEN_ASSERT_OFFSET(struct shared_info, arch, 3088);
XEN_ASSERT_SIZE(struct multicall_entry, 64);
XEN_ASSERT_SIZE(struct xenctl_bitmap, 16);
XEN_ASSERT_OFFSET(struct xenctl_bitmap, nr_bits, 8);
XEN_ASSERT_SIZE(struct xen_cpuid_leaf, 24);
XEN_ASSERT_SIZE(struct xen_msr_entry, 16);

/* Of 32-bit guests */
#define SAME(type, size, field, offset) \
	XEN_ASSERT_SIZE(type, size); XEN_ASSERT_OFFSET(type, field, offset);
#define OTHER(ours, type, size, our_field, field, offset) SAME(ours, size, our_field, offset)
#include "test/abi/same32.h"
