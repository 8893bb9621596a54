/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls whose callee is not in the tree yet: weak, each stops the machine. Goes when the last one is there. */
	.text
	.irp name, cpuid_policy_free, cpuid_policy_init, do_domctl, do_hypfs_op, do_platform_op, do_sched_op, do_sysctl, \
		domain_wallclock_update, hvm_cpuid, hvm_emulate_mmio, hvm_port_in, hvm_port_out, hvm_port_policy_dom0, \
		hvm_rdmsr, hvm_wrmsr, hvm_xsetbv, mitigations_init, now, platform_boot_info, sched_domain_init, sched_id, vcpu_cputime, sched_init, \
		sched_init_cpu, sched_set_affinity, sched_vcpu_destroy, sched_vcpu_init, vcpu_yield, schedule, \
		time_check_cpus, time_cpu_up, time_init, timer_init, timer_kill, timer_migrate, timer_process, timer_set, \
		timer_stop, vcpu_block, vcpu_runstate_get, vcpu_sleep_nosync, vcpu_sleep_sync, vcpu_time_update, \
		vcpu_timers_destroy, vcpu_timers_init, vcpu_wake, vioapic_init, vpci_init, vpci_mmio_is_trapped, \
		wallclock_set, arch_timer_arm, arch_tsc_scale, arch_tsc_khz, vcpu_set_singleshot, vcpu_stop_singleshot, vcpu_set_periodic, vcpu_stop_periodic
	.weak \name
\name:
	.endr
	ud2
	.section .note.GNU-stack, "", @progbits
