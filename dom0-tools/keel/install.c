/* SPDX-License-Identifier: GPL-2.0-only */
/* install and uninstall: Keel as what the firmware starts, on plain Linux or in Dom0. */
#include "keel/keel.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/payload.h"

#define MIB(n)	((unsigned long long)((n) + (1 << 20) - 1) >> 20)

/* systemd's own folder of what it starts. Others start keeld by scripts that nobody knows here. */
#define SYSTEMD		"/run/systemd/system"
#define KEELD_STARTS	"/etc/systemd/system/multi-user.target.wants/keeld.service"

struct install_args {
	struct payload p;
	bool again;
};

static bool handle(int option, const char *value, void *arg)
{
	struct install_args *a = arg;
	const struct { char option; const char **text; } texts[] = {
		{ 'k', &a->p.kernel }, { 'i', &a->p.initrd }, { 'o', &a->p.options }, { 'd', &a->p.dom0_options },
		{ 's', &a->p.sign }, { 'e', &a->p.esp }, { 'H', &a->p.hypervisor },
	};
	unsigned int seconds;

	for (size_t n = 0; n < sizeof(texts) / sizeof(*texts); n++)
		if (texts[n].option == option) {
			*texts[n].text = value;
			return true;
		}
	if (option == 'a') {
		a->again = true;
		return true;
	}
	if (option != 't' || !number_option(value, 86400, &seconds))
		return false;
	a->p.boot_timeout = seconds;
	return true;
}

static void print_words(struct keel *k, const struct payload_result *r)
{
	char entry[8] = "new";

	if (r->entry >= 0)
		snprintf(entry, sizeof(entry), "%04X", r->entry & 0xffff);
	printf("%s: %sinstalled (%llu MiB%s), with %s; boot entry %s\n", r->file, would_be(k),
	       MIB(r->size), r->sign ? ", signed" : "", r->kernel, entry);
	if (k->dry_run)
		return;
	printf("The next boot tries it, once. ");
	if (r->boot_timeout)
		printf("Dom0 has %u s to come up, and Keel resets the machine otherwise. ", r->boot_timeout);
	puts("When Dom0 is up, keeld makes it the first entry.");
	if (r->fallback >= 0)
		printf("If it does not come up, the boot after that is entry %04X, \"%s\".\n", r->fallback,
		       r->fallback_label);
}

static int print_installed(struct keel *k, const struct payload_result *r)
{
	struct json_object *j;
	char number[8];

	end_progress(k);
	if (r->fallback < 0)
		keel_warn(k, "the firmware's order names no other entry that exists: if this image does not come up, "
			  "what it starts then is not known");
	if (r->boot_timeout && !access(SYSTEMD, F_OK) && access(KEELD_STARTS, F_OK))
		keel_warn(k, "keeld does not start at boot (systemctl enable keeld): nobody says that Dom0 is up, and Keel "
			  "resets the machine after %u s", r->boot_timeout);
	if (!k->json) {
		print_words(k, r);
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "file", json_object_new_string(r->file));
	json_object_object_add(j, "kernel", json_object_new_string(r->kernel));
	json_object_object_add(j, "initrd", *r->initrd ? json_object_new_string(r->initrd) : NULL);
	json_object_object_add(j, "bytes", json_object_new_int64(r->size));
	json_object_object_add(j, "signed", json_object_new_boolean(r->sign));
	snprintf(number, sizeof(number), "%04X", r->entry & 0xffff);
	json_object_object_add(j, "entry", r->entry >= 0 ? json_object_new_string(number) : NULL);
	snprintf(number, sizeof(number), "%04X", r->fallback & 0xffff);
	json_object_object_add(j, "fallback", r->fallback >= 0 ? json_object_new_string(number) : NULL);
	json_object_object_add(j, "boot_timeout", json_object_new_int(r->boot_timeout));
	return print_result(k, j, "installed");
}

static int not_root(struct keel *k)
{
	keel_fail(&k->err, EPERM, "the EFI system partition and the firmware's variables are root's: run it as root");
	return report(k);
}

static int run_install(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "kernel", required_argument, NULL, 'k' }, { "initrd", required_argument, NULL, 'i' },
		{ "options", required_argument, NULL, 'o' }, { "dom0-options", required_argument, NULL, 'd' },
		{ "boot-timeout", required_argument, NULL, 't' }, { "sign", required_argument, NULL, 's' },
		{ "esp", required_argument, NULL, 'e' }, { "hypervisor", required_argument, NULL, 'H' },
		{ "again", no_argument, NULL, 'a' }, { 0 }
	};
	struct install_args a = { .p = { .boot_timeout = -1 } };
	const struct options o = {
		.cmd = &cmd_install, .shorts = "k:i:o:d:t:s:e:", .longs = longs, .handle = handle, .arg = &a,
	};
	struct payload_result r;
	int rc = parse_options(k, argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (a.again && !payload_is_installed())
		return KEEL_EXIT_OK;
	if (geteuid())
		return not_root(k);
	rc = payload_read(k, &a.p);
	if (!rc)
		rc = payload_install(k, &a.p, &r);
	rc = rc ? report(k) : print_installed(k, &r);
	payload_free(&a.p);
	return rc;
}

const struct command cmd_install = {
	.name = "install",
	.args = "[OPTIONS]",
	.summary = "Has the firmware start Keel: one file on the EFI system partition, and a boot entry",
	.help =
	"It runs on plain Linux, or in Dom0. The next boot tries the new image, once: if Dom0 does not come\n"
	"up, the boot after that is what it was before. When Dom0 is up, keeld makes Keel's entry the first\n"
	"one. What is said here is kept for the next time; '' is the default again.\n\n"
	"  -k, --kernel FILE  Dom0's kernel (the newest in /boot that can be Dom0)\n"
	"  -i, --initrd FILE  its initrd (the one beside the kernel)\n"
	"  -o, --options TEXT options of Keel's, such as 'dom0_mem=4G'\n"
	"  -d, --dom0-options TEXT\n"
	"                     options of Dom0's kernel (those of this Linux, with Keel's console)\n"
	"  -t, --boot-timeout SECONDS\n"
	"                     how long Dom0 may take to come up (600); 0: for ever\n"
	"  -s, --sign KEY,CERTIFICATE\n"
	"                     sign the image for Secure Boot, with these files in PEM format\n"
	"  -e, --esp FOLDER   where the EFI system partition is mounted (/efi, /boot/efi or /boot)\n"
	"  --hypervisor FILE\n"
	"                     keel.efi (the one that was installed with this program)\n"
	"  --again            as the last time, with the kernel of today; nothing if there was no last time\n",
	.run = run_install,
	.opens = true,
	.changes = true,
};

struct uninstall_args {
	const char *esp;
	bool force;
};

static bool handle_uninstall(int option, const char *value, void *arg)
{
	struct uninstall_args *a = arg;

	if (option == 'f')
		a->force = true;
	else if (option == 'e')
		a->esp = value;
	return option == 'f' || option == 'e';
}

static int run_uninstall(struct keel *k, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "esp", required_argument, NULL, 'e' }, { "force", no_argument, NULL, 'f' }, { 0 }
	};
	struct payload p = { .boot_timeout = -1 };
	struct uninstall_args a = { 0 };
	const struct options o = {
		.cmd = &cmd_uninstall, .shorts = "e:f", .longs = longs, .handle = handle_uninstall, .arg = &a,
	};
	struct json_object *j;
	int rc = parse_options(k, argc, argv, &o), n;

	if (rc >= 0)
		return rc;
	if (geteuid())
		return not_root(k);
	p.esp = a.esp;
	n = payload_read(k, &p) ? -1 : payload_uninstall(k, p.esp, a.force);
	payload_free(&p);
	if (n < 0)
		return report(k);
	if (!k->json) {
		printf(n ? "%d entries and images %sremoved\n" : "nothing is installed\n", n, would_be(k));
		return KEEL_EXIT_OK;
	}
	j = json_object_new_object();
	json_object_object_add(j, "removed", json_object_new_int(n));
	return print_result(k, j, "uninstalled");
}

const struct command cmd_uninstall = {
	.name = "uninstall",
	.args = "[-f] [-e FOLDER]",
	.summary = "Undoes `keel install`: the firmware starts what it started before",
	.help =
	"Keel's boot entries and images go. What runs goes on, until the next boot.\n\n"
	"  -e, --esp FOLDER   where the EFI system partition is mounted\n"
	"  -f, --force        also if the firmware's order then names nothing\n",
	.run = run_uninstall,
	.opens = true,
	.changes = true,
};
