/* SPDX-License-Identifier: GPL-2.0-only */
#include "keel/keel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
	&cmd_create, &cmd_check, &cmd_check_host, &cmd_install, &cmd_uninstall, &cmd_convert,
	&cmd_config_update, &cmd_edit, &cmd_autostart, &cmd_list, &cmd_vm_list, &cmd_claims,
	&cmd_info, &cmd_pci_list, &cmd_pci_assignable_list, &cmd_pci_assignable_add,
	&cmd_pci_assignable_remove, &cmd_pci_attach, &cmd_pci_detach, &cmd_vf_create,
	&cmd_console, &cmd_shutdown, &cmd_reboot, &cmd_destroy, &cmd_pause, &cmd_unpause,
	&cmd_rename, &cmd_domid, &cmd_domname, &cmd_uptime, &cmd_vcpu_list, &cmd_vcpu_pin,
	&cmd_vcpu_set, &cmd_mem_set, &cmd_block_list, &cmd_block_attach, &cmd_block_detach,
	&cmd_block_resize, &cmd_network, &cmd_network_list, &cmd_network_attach, &cmd_network_detach,
	&cmd_sched_credit2, &cmd_cpupool_list, &cmd_cpupool_create, &cmd_cpupool_destroy,
	&cmd_cpupool_rename, &cmd_cpupool_cpu_add, &cmd_cpupool_cpu_remove, &cmd_cpupool_migrate,
	&cmd_trigger, &cmd_sysrq, &cmd_dmesg, &cmd_debug_keys, &cmd_set_parameters, &cmd_events,
	&cmd_stats, &cmd_domstats, &cmd_top, &cmd_logs, &cmd_dump_core, &cmd_save, &cmd_restore,
	&cmd_resume, &cmd_migrate, &cmd_migrate_receive, &cmd_import, &cmd_snapshot, &cmd_clone, &cmd_run,
	&cmd_help, NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

/* Progress on a terminal: one line, written over. */
static void show_progress(struct keel *k, const char *what, uint64_t done, uint64_t total)
{
	static uint64_t last;
	uint64_t now = keel_now_ms();

	if (now - last < 100 && done != total)
		return;
	last = now;
	if (total)
		fprintf(stderr, "\r\033[K%s: %llu/%llu", what, (unsigned long long)done,
			(unsigned long long)total);
	else
		fprintf(stderr, "\r\033[K%s", what);
	fflush(stderr);
}

/* --json anywhere also applies to errors that occur before the options are parsed. */
static void early_options(struct keel *k, int argc, char **argv)
{
	bool help = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			k->json = true;
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			help = true;
	}
	if (isatty(2) && !k->json && !help)
		k->progress = show_progress;
}

static int print_version(struct keel *k)
{
	struct json_object *j;

	if (!k->json)
		return puts("keel " KEEL_RELEASE) < 0 ? KEEL_EXIT_FAILED : KEEL_EXIT_OK;
	j = json_object_new_object();
	json_object_object_add(j, "release", json_object_new_string(KEEL_RELEASE));
	json_object_object_add(j, "json", json_object_new_int(KEEL_JSON_VERSION));
	return print_json(j);
}

int main(int argc, char **argv)
{
	static struct keel k;
	const struct command *c;
	int rc;

	early_options(&k, argc, argv);
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return cmd_help.run(&k, 1, argv) || argc < 2 ? KEEL_EXIT_USAGE : KEEL_EXIT_OK;
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_version(&k);
	c = command_find(argv[1]);
	if (!c)
		return usage_error(&k, &cmd_help, "there is no command '%s'", argv[1]);
	rc = c->run(&k, argc - 1, argv + 1);
	keel_close(&k);
	return rc;
}
