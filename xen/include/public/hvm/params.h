/* SPDX-License-Identifier: MIT */
/* The numbered parameters of an HVM or PVH domain (HVMOP_set_param, HVMOP_get_param). */
#ifndef XEN_PUBLIC_HVM_PARAMS_H
#define XEN_PUBLIC_HVM_PARAMS_H

#define HVM_PARAM_CALLBACK_IRQ             0
#define HVM_PARAM_STORE_PFN                1
#define HVM_PARAM_STORE_EVTCHN             2
#define HVM_PARAM_VIRIDIAN                 9
#define HVM_PARAM_TIMER_MODE               10
#define HVM_PARAM_IDENT_PT                 12
#define HVM_PARAM_VM86_TSS                 15
#define HVM_PARAM_CONSOLE_PFN              17
#define HVM_PARAM_CONSOLE_EVTCHN           18
#define HVM_PARAM_ACPI_IOPORTS_LOCATION    19
#define HVM_PARAM_NESTEDHVM                24
#define HVM_PARAM_TRIPLE_FAULT_REASON      31
#define HVM_PARAM_IOREQ_SERVER_PFN         32
#define HVM_PARAM_NR_IOREQ_SERVER_PAGES    33
#define HVM_PARAM_VM_GENERATION_ID_ADDR    34
#define HVM_PARAM_ALTP2M                   35
#define HVM_PARAM_X87_FIP_WIDTH            36
#define HVM_PARAM_VM86_TSS_SIZED           37
#define HVM_PARAM_MCA_CAP                  38
#define HVM_NR_PARAMS                      39

/* CALLBACK_IRQ: the type is in the top byte; with this one the vector is in the lowest. */
#define HVM_PARAM_CALLBACK_TYPE_VECTOR   2

#define HVMPTM_one_missed_tick_pending   3

#endif
