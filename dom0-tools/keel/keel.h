/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_KEEL_H
#define KEEL_KEEL_H

#include <getopt.h>

#include "lib/domain.h"
#include "lib/keel.h"

/* Of what --json prints: schema/keel-1.schema.json, and what changes the number. */
#define KEEL_JSON_VERSION 1

/* One command of `keel`; each is a file of its own. */
struct command {
	const char *name;
	const char *args;		/* after the name, for the usage line */
	const char *summary;		/* one line */
	const char *help;		/* the options and what is worth knowing */
	int (*run)(struct keel *k, int argc, char **argv);
	bool opens;			/* calls open_hypervisor() by itself, if at all */
	bool no_xenstore;
	bool changes;				/* has -n, --dry-run: k->dry_run */
};

extern const struct command cmd_create, cmd_list, cmd_info, cmd_pci_list, cmd_pci_assignable_list,
	cmd_pci_assignable_add, cmd_pci_assignable_remove, cmd_pci_attach, cmd_pci_detach, cmd_vf_create,
	cmd_console, cmd_shutdown, cmd_reboot, cmd_destroy, cmd_pause, cmd_unpause, cmd_dmesg, cmd_help,
	cmd_check, cmd_check_host, cmd_convert, cmd_rename, cmd_domid, cmd_domname, cmd_uptime,
	cmd_vcpu_list, cmd_vcpu_pin, cmd_vcpu_set, cmd_mem_set, cmd_sched_credit2, cmd_trigger, cmd_sysrq,
	cmd_block_attach, cmd_block_detach, cmd_block_resize, cmd_block_list, cmd_network_attach,
	cmd_network_detach, cmd_network_list, cmd_network, cmd_cpupool_list, cmd_cpupool_create,
	cmd_cpupool_destroy, cmd_cpupool_rename, cmd_cpupool_cpu_add, cmd_cpupool_cpu_remove,
	cmd_cpupool_migrate, cmd_vm_list, cmd_claims, cmd_debug_keys, cmd_set_parameters,
	cmd_config_update, cmd_edit, cmd_autostart, cmd_events, cmd_stats, cmd_domstats, cmd_top,
	cmd_logs, cmd_dump_core, cmd_save, cmd_restore, cmd_resume, cmd_install, cmd_uninstall,
	cmd_import, cmd_snapshot, cmd_clone, cmd_run, cmd_migrate, cmd_migrate_receive;
extern const struct command *const commands[];

const struct command *command_find(const char *name);
void command_usage(const struct command *c);

/*
 * Runs the options of a command through getopt_long; @handle gets those that are not common to all
 * (--json, --help). Then the hypervisor is opened, so that usage works without one. Returns an exit
 * code, or -1 to continue.
 */
struct options {
	const struct command *cmd;
	const char *shorts;			/* beside -h */
	const struct option *longs;
	bool (*handle)(int option, const char *value, void *arg);
	void *arg;
	int min_args, max_args;			/* after the options; max -1: any number */
};

int parse_options(struct keel *k, int argc, char **argv, const struct options *o);
/* For a command with one option, which has no value; @arg is a bool. */
bool handle_flag(int option, const char *value, void *arg);
/* For a command with .opens, when it has looked at its arguments. The same. */
int open_hypervisor(struct keel *k, const struct command *c);

/* Asks at a terminal, so that a wrong guess costs nothing; scripts are not asked. */
bool confirmed(const struct keel *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "512", "512m", "1g": KiB; MiB without a letter, as for xl. One MiB at least. */
bool size_option(const char *text, uint64_t *kib);
/* Decimal digits only, at most @max. */
bool number_option(const char *text, unsigned int max, unsigned int *out);

/* The domains that the arguments name, or all: an array to free; returns how many. */
int named_domains(struct keel *k, int argc, char **argv, struct keel_domain **out);

/* Words that are settings, each a line of its own. */
int parse_words(struct keel *k, struct cfg *c, int argc, char **argv);

/* Prints k->err, as JSON if asked for, and returns the exit code that goes with it. */
int report(struct keel *k);
/* The same with a text that was not an error of the library. */
int usage_error(struct keel *k, const struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints and frees a JSON result, as UTF-8: names and paths may have other bytes. */
int print_json(struct json_object *j);
/* The same on one line, at once: for streams. */
void print_json_line(struct json_object *j);
/* The end of a list whose rows are printed already, unless --json asks for @list. Frees it. */
int end_list(struct keel *k, struct json_object *list);
/* {"name": ..., "id": ...}, to which a result adds. */
struct json_object *json_of_domain(const struct keel_domain *d);
/* Removes the line of progress. Call it before anything is printed. */
void end_progress(struct keel *k);
/* "would be " in a dry run, else "": before what has been done. */
const char *would_be(const struct keel *k);
/* The end of a result: "result", and "dry_run" in one. Prints and frees it. */
int print_result(struct keel *k, struct json_object *j, const char *result);
/* The result of a command, in words or as {"name": ..., "id": ..., "result": @result}. */
int print_done(struct keel *k, const struct keel_domain *d, const char *result);

/*
 * config_file.c. A file, and settings that replace its own, each a word. A name without a slash
 * that is no file is that of a guest in keel_config_dir.
 */
extern const char *keel_config_dir;
int read_config(struct keel *k, struct guest_config *g, int argc, char **argv);
/* From a text that keel has made. */
int config_parse(struct keel *k, struct guest_config *g, const char *text);
/* The configuration of @guest as a file there: a path to free, or NULL. */
char *config_path(struct keel *k, const char *guest);
/* Makes that file, unless it is there already. */
int config_store(struct keel *k, const char *guest, const char *text);
/* report(), where EINVAL and the like are the file's fault. */
int bad_config(struct keel *k);
/*
 * check.c. What `create` would refuse of the files that the configuration names, and of the bridges
 * and scripts of this machine: each goes to @refuse.
 */
void check_files(struct keel *k, const struct guest_config *g, guest_warn_fn *refuse, void *arg);

/*
 * stats.c. Of the domains that the arguments name, or of all: a list of stats_domain()'s, without
 * those that have gone meanwhile. NULL: k->err says why.
 */
struct json_object *collect_stats(struct keel *k, int argc, char **argv);
/* logs.c: where xenconsoled keeps them. */
extern const char *console_logs;

/* devices.c. A guest_warn_fn, whose argument is the struct keel. */
void warn_of(void *arg, const char *text);
/* The words with commas between: a text to free, or NULL. */
char *join_words(int argc, char **argv);
/* -f, --force. */
extern const struct option force_option[];
/* list.c: -c, --cpupool. */
extern const struct option cpupool_option[];

/* A list of the devices of one type, of guests that are named or of all. */
struct device_list {
	const struct command *cmd;
	const char *type, *key, *head;
	void (*each)(struct keel *k, const struct keel_domain *d, const char *index,
		     struct json_object *list);
};

int list_devices(struct keel *k, int argc, char **argv, const struct device_list *l);

#endif
