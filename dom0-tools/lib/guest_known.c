/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of xl.cfg(5) that Keel does not support. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/guest_internal.h"

/*
 * .only: the values that say what a guest of Keel is anyway, parted by blanks.
 * .instead: what is wrong with the others, and what to use; NULL: it is about something that a PVH
 * guest lacks with xl, too, so no value changes anything.
 */
static const struct known {
	const char *name, *only, *instead;
} known[] = {
	/* Emulated devices of HVM guests, and their firmware. */
	{ "acpi_firmware", NULL, NULL }, { "acpi_laptop_slate", NULL, NULL }, { "acpi_s3", NULL, NULL },
	{ "acpi_s4", NULL, NULL }, { "bios", NULL, NULL }, { "bios_path_override", NULL, NULL },
	{ "boot", NULL, NULL }, { "device_model_args", NULL, NULL },
	{ "device_model_args_hvm", NULL, NULL }, { "device_model_args_pv", NULL, NULL },
	{ "device_model_override", NULL, NULL }, { "device_model_stubdomain_override", NULL, NULL },
	{ "device_model_user", NULL, NULL }, { "device_model_version", NULL, NULL },
	{ "dm_restrict", NULL, NULL }, { "e820_host", NULL, NULL },
	{ "gfx_passthru", "0 none",
	  "a PVH guest has no screen; give it the function with pci, and use another console" },
	{ "hdtype", NULL, NULL }, { "hpet", NULL, NULL }, { "keymap", NULL, NULL },
	{ "mmio_hole", NULL, NULL }, { "ms_vm_genid", NULL, NULL }, { "nographic", NULL, NULL },
	{ "nx", NULL, NULL }, { "opengl", NULL, NULL }, { "pae", NULL, NULL }, { "sdl", NULL, NULL },
	{ "serial", NULL, NULL }, { "smbios", NULL, NULL }, { "smbios_firmware", NULL, NULL },
	{ "soundhw", NULL, NULL }, { "spice", NULL, NULL }, { "spiceagent_mouse", NULL, NULL },
	{ "spice_clipboard_sharing", NULL, NULL }, { "spicedisable_ticketing", NULL, NULL },
	{ "spicehost", NULL, NULL }, { "spicepasswd", NULL, NULL }, { "spiceport", NULL, NULL },
	{ "spicetls_port", NULL, NULL }, { "spiceusbredirection", NULL, NULL },
	{ "spicevdagent", NULL, NULL }, { "stdvga", NULL, NULL }, { "stubdomain_cmdline", NULL, NULL },
	{ "stubdomain_kernel", NULL, NULL }, { "stubdomain_memory", NULL, NULL },
	{ "stubdomain_ramdisk", NULL, NULL }, { "suppress_spurious_page_faults", NULL, NULL },
	{ "usb", NULL, NULL }, { "usbdevice", NULL, NULL }, { "usbversion", NULL, NULL },
	{ "vendor_device", NULL, NULL }, { "vga", NULL, NULL }, { "videoram", NULL, NULL },
	{ "viridian", NULL, NULL }, { "vkb_device", NULL, NULL }, { "vnc", NULL, NULL },
	{ "vncconsole", NULL, NULL }, { "vncdisplay", NULL, NULL }, { "vnclisten", NULL, NULL },
	{ "vncpasswd", NULL, NULL }, { "vncunused", NULL, NULL }, { "vncviewer", NULL, NULL },
	{ "vpt_align", NULL, NULL }, { "xen_platform_pci", NULL, NULL },
	/* Obsolete settings, and mere descriptions. */
	{ "claim_mode", NULL, NULL }, { "description", NULL, NULL }, { "oos", NULL, NULL },
	{ "xend_suspend_evtchn_compat", NULL, NULL },
	/* How pciback treats functions; Keel does not use it. */
	{ "pci_msitranslate", NULL, NULL }, { "pci_permissive", NULL, NULL },
		{ "pci_power_mgmt", NULL, NULL },
	{ "pci_seize", NULL, NULL }, { "rdm", NULL, NULL }, { "rdm_mem_boundary", NULL, NULL },
	/* Every guest of Keel is like this. */
	{ "altp2m", "0 disabled", "no guest of Keel has other views of its memory; leave it out" },
	{ "altp2mhvm", "0", "no guest of Keel has other views of its memory; leave it out" },
	{ "apic", "1", "a PVH guest of Keel always has local APICs; leave it out" },
	{ "driver_domain", "0", "only Dom0 serves devices; leave it out" },
	{ "hap", "1", "Keel has nested paging only; leave it out" },
	{ "max_grant_version", "-1 1 2", "Keel's grants are of version 1; leave it out" },
	{ "msr_relaxed", "0", "an MSR that a guest has not is a fault in it; leave it out" },
	{ "nestedhvm", "0", "a guest of Keel runs no guests of its own; leave it out" },
	{ "nomigrate", "0",
	  "keel moves no guest; leave it out, and tsc_mode = \"native\" gives the machine's own TSC" },
	{ "pvshim", "0", "Keel runs PVH guests; a Linux kernel starts as one with type = \"pvh\"" },
	{ "timer_mode", "1 3 no_delay_for_missed_ticks one_missed_tick_pending",
	  "Keel makes up for no missed ticks, which Linux does not want; leave it out" },
	{ "vmtrace_buf_kb", "0", "there is no trace of guests; leave it out" },
	/* Keel lacks these. */
	{ "bootloader_args", "",
	  "GRUB reads its menu from the guest's disk; put kernel, ramdisk and words there" },
	{ "channel", "", "use the console, a disk or the network" },
	{ "cpuid", "",
	  "a guest gets what the hypervisor's default has; clearcpuid= on its kernel's command line takes features away" },
	{ "device_model_stubdomain_seclabel", "", "there are no security labels" },
	{ "device_tree", "", "that is for Arm" },
	{ "dtdev", "", "that is for Arm; use pci" },
	{ "gic_version", "", "that is for Arm" },
	{ "init_seclabel", "", "there are no security labels; leave it out" },
	{ "iomem", "", "no memory of devices is given by address; use pci" },
	{ "ioports", "", "no I/O ports are given; use pci" },
	{ "irqs", "", "no interrupts are given by number; use pci" },
	{ "mca_caps", "", "a guest sees no machine checks; leave it out" },
	{ "on_soft_reset", "", "a guest's soft reset (kexec) ends as on_crash says; leave it out" },
	{ "p9", "", "Dom0's folders are not shared; use a disk or a network file system" },
	{ "pvcalls", "", "use vif" },
	{ "seclabel", "", "there are no security labels; leave it out" },
	{ "tee", "", "that is for Arm" },
	{ "usbctrl", "", "no USB devices are given; give the guest a controller with pci" },
	{ "usbdev", "", "no USB devices are given; give the guest a controller with pci" },
	{ "vdispl", "",
	  "a guest has no screen; use its console (keel console), or a VNC or RDP server in the guest" },
	{ "vfb", "",
	  "a guest has no screen; use its console (keel console), or a VNC or RDP server in the guest" },
	{ "virtio", "", "a guest's devices are Xen's: disk and vif" },
	{ "vkb", "", "a guest has no keyboard but its console (keel console)" },
	{ "vnuma", "", "a guest's memory is one node; leave it out" },
	{ "vsnd", "", "a guest has no sound" },
	{ "vtpm", "", "a guest has no TPM; leave it out" },
	{ "vuart", "", "that is for Arm; use the console" },
};

static bool is_one_of(const char *words, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = words; (p = strstr(p, value)); p++)
		if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

/* A value that asks for nothing: an empty text or list, or what every guest of Keel has. */
static bool asks_nothing(const struct known *k, const struct cfg_value *v)
{
	if (v->type == CFG_LIST)
		return !v->items;
	return !*v->string || is_one_of(k->only, v->string);
}

static int decide(struct reader *r, const struct known *k, const struct cfg_setting *s)
{
	char text[128];

	if (!k->instead) {
		snprintf(text, sizeof(text), "'%s' has no effect on Keel", s->name);
		reader_warn(r, text);
		return 0;
	}
	if (asks_nothing(k, s->value))
		return 0;
	if (*k->only)
		return keel_fail(r->e, EINVAL, "%s:%u: '%s' of xl with this value is refused: %s", r->file,
				 s->line, s->name, k->instead);
	return keel_fail(r->e, EINVAL, "%s:%u: '%s' of xl is refused: %s", r->file, s->line, s->name,
			 k->instead);
}

int guest_known_setting(struct reader *r, const struct cfg_setting *s)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(s->name, known[i].name))
			return decide(r, &known[i], s);
	return 1;
}
