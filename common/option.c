/* SPDX-License-Identifier: GPL-2.0-only */
/* Boot options. */
#include "common/option.h"

#include "common/dom0_option.h"
#include "common/lib.h"
#include "common/pcpu.h"

#define NAME_LEN 64
#define WATCHDOG_TIMEOUT 30	/* s */

static const struct option options[] = {
	{ "apicv", OPTION_FLAG, .otherwise = "on where the CPU has posted interrupts",
	  .help = "the CPU delivers virtual interrupts by itself (VMX)" },
	{ "boot_timeout", OPTION_NUMBER, 0, 86400, 0, .otherwise = "off",
	  .help = "seconds within which Dom0 must say that it is up, or the machine is reset; 0: off" },
	{ "com1", OPTION_SERIAL, .otherwise = STR(CONFIG_UART_BAUD) ",8n1," STR(CONFIG_UART_BASE) ",4",
	  .help = "the serial line: BAUD[,8n1[,PORT[,IRQ]]], or off" },
	{ "console", OPTION_CHOICE, .words = { "com1", "none" },
	  .help = "where messages go: com1 or none" },
	{ "cpufreq", OPTION_CHOICE, .words = { "none", "hwp" },
	  .help = "hwp: CPUs choose their frequencies by their load, where they can; none: as the firmware left them" },
	{ "dom0_max_vcpus", OPTION_DOM0_VCPUS, .otherwise = "one for each host CPU",
	  .help = "virtual CPUs of Dom0: N, or MIN-MAX, 1 to " STR(PVH_MAX_VCPUS) },
	{ "dom0_mem", OPTION_DOM0_MEM,
	  .otherwise =
		  "a quarter of the memory, " STR(DOM0_MEM_LEAST_MIB) "M to " STR(DOM0_MEM_MOST_GIB) "G",
	  .help = "memory of Dom0: SIZE, min:SIZE, max:SIZE, such as 1G or 25%, " STR(DOM0_MEM_MIN_MIB) "M at least" },
	{ "efi", OPTION_FLAG, .dflt = true,
	  .help = "off: Dom0 does not use the firmware's runtime services" },
	{ "iommu", OPTION_FLAG, .dflt = true,
	  .help = "off: run without IOMMU protection (development and emulators only)" },
	{ "loglvl", OPTION_CHOICE, .words = { "error", "warning", "info", "debug", "all" },
	  .dflt = CONFIG_LOG_LEVEL,
	  .help = "the least important messages that are printed: error, warning, info, debug or all" },
	{ "maxcpus", OPTION_NUMBER, 1, 4096, NR_CPUS, .otherwise = "all",
	  .help = "host CPUs to use" },
	{ "nmi", OPTION_CHOICE, .words = { "report", "fatal", "ignore" },
	  .help = "what an NMI of the machine does: report, fatal (a panic) or ignore" },
	{ "noreboot", OPTION_FLAG,
	  .help = "after a panic stop and leave the message on the screen" },
	{ "sched", OPTION_CHOICE, .words = { "credit2", "null" },
	  .help = "the scheduler: credit2, or null for one vCPU a host CPU" },
	{ "screen", OPTION_FLAG, .dflt = true,
	  .help = "off: no messages on the firmware's framebuffer" },
	{ "smt", OPTION_FLAG, .dflt = true,
	  .help = "off: one thread of each core is used" },
	{ "spec", OPTION_LIST, .otherwise = "what the CPU needs",
	  .words = {
		[SPEC_WORD_IBRS] = "ibrs", [SPEC_WORD_IBPB] = "ibpb", [SPEC_WORD_IBPB_ENTRY] = "ibpb-entry",
		[SPEC_WORD_STIBP] = "stibp", [SPEC_WORD_RSB] = "rsb", [SPEC_WORD_BHI_DIS_S] = "bhi-dis-s",
		[SPEC_WORD_BP_SPEC_REDUCE] = "bp-spec-reduce", [SPEC_WORD_VERW] = "verw",
		[SPEC_WORD_L1D_FLUSH] = "l1d-flush", [SPEC_WORD_TSX_OFF] = "tsx-off",
		[SPEC_WORD_GDS_MIT] = "gds-mit", [SPEC_WORD_ZENBLEED] = "zenbleed",
		[SPEC_WORD_LFENCE] = "lfence", [SPEC_WORD_EPT_NX] = "ept-nx",
		[SPEC_WORD_RETPOLINE] = "retpoline", [SPEC_WORD_ITS] = "its",
		[SPEC_WORD_BHB_ENTRY] = "bhb-entry", [SPEC_WORD_FORCE] = "force",
	  },
	  .help = "measures against the CPU's faults, as in verw=off,rsb; off: none" },
	{ "ucode", OPTION_CHOICE, .words = { "scan", "no" },
	  .help = "microcode at boot: scan Dom0's initrd for it, or no" },
	{ "watchdog", OPTION_FLAG, .dflt = true,
	  .help = "a CPU that is stuck inside Keel ends the machine with a stack trace" },
	{ "watchdog_timeout", OPTION_NUMBER, 1, 3600, WATCHDOG_TIMEOUT, .otherwise = STR(WATCHDOG_TIMEOUT),
	  .help = "seconds after which a CPU counts as stuck, 1 to 3600" },
	{ "xen_version", OPTION_CHOICE, .words = { "4.17", "4.20" },
	  .help = "the version of Xen's interface that is reported: 4.17 or 4.20" },
};

static char cmdline[OPTION_CMDLINE_LEN];

void option_init(const char *line)
{
	size_t len = strnlen(line, sizeof(cmdline) - 1);

	memcpy(cmdline, line, len);
	cmdline[len] = '\0';
}

const char *option_cmdline(void)
{
	return cmdline;
}

static void copy_cut(char *dst, size_t size, const char *src, size_t len)
{
	len = min(len, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
}

bool option_next(unsigned int *pos, char *name, char *value, size_t size)
{
	const char *p = cmdline + *pos, *end, *eq;

	while (*p == ' ' || *p == '\t')
		p++;
	for (end = p; *end && *end != ' ' && *end != '\t'; end++)
		;
	*pos = (unsigned int)(end - cmdline);
	if (end == p)
		return false;
	eq = memchr(p, '=', (size_t)(end - p));
	copy_cut(name, size, p, (size_t)((eq ? eq : end) - p));
	copy_cut(value, size, eq ? eq + 1 : end, eq ? (size_t)(end - eq - 1) : 0);
	return true;
}

bool option_string(const char *name, char *buf, size_t size)
{
	char n[NAME_LEN], v[NAME_LEN];
	unsigned int pos = 0;
	bool found = false;

	buf[0] = '\0';
	while (option_next(&pos, n, v, sizeof(n))) {
		if (strcmp(n, name) != 0)
			continue;
		found = true;
		copy_cut(buf, size, v, strlen(v));
	}
	return found;
}

const struct option *option_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(name, options[i].name))
			return &options[i];
	return NULL;
}

const char *option_default(const struct option *o)
{
	if (o->otherwise)
		return o->otherwise;
	return o->type == OPTION_CHOICE ? o->words[o->dflt] : o->dflt ? "on" : "off";
}

int option_flag_value(const char *value)
{
	static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "0", "1", NULL };
	int i = find_word(value, words);

	return i < 0 ? i : i & 1;
}

bool option_flag_or(const char *name, bool dflt)
{
	char n[NAME_LEN], v[NAME_LEN];
	unsigned int pos = 0;
	bool result = dflt;

	while (option_next(&pos, n, v, sizeof(n))) {
		if (strncmp(n, "no-", 3) == 0 && strcmp(n + 3, name) == 0 && !v[0])
			result = false;
		else if (strcmp(n, name) == 0 && (!v[0] || option_flag_value(v) >= 0))
			result = !v[0] || option_flag_value(v);
	}
	return result;
}

bool option_flag(const char *name)
{
	return option_flag_or(name, option_find(name)->dflt);
}

/* WORD, no-WORD or WORD=on|off: 1 or 0, and the word's place; -1: neither. */
static int list_element(const struct option *o, char *text, int *place)
{
	char *value = strchr(text, '=');
	bool no = !value && !strncmp(text, "no-", 3);

	if (value)
		*value++ = '\0';
	*place = find_word(no ? text + 3 : text, o->words);
	return *place < 0 ? -1 : value ? option_flag_value(value) : !no;
}

bool option_list_parse(const struct option *o, const char *value, u32 *on, u32 *off)
{
	int all = option_flag_value(value);
	const char *end;

	*on = 0;
	*off = all ? 0 : ~0u;
	for (; all < 0 && value; value = end ? end + 1 : NULL) {
		char text[NAME_LEN];
		int place, flag;

		if (strlen(value) >= sizeof(text))
			return false;
		end = strchr(value, ',');
		copy_cut(text, sizeof(text), value, end ? (size_t)(end - value) : strlen(value));
		flag = list_element(o, text, &place);
		if (flag < 0)
			return false;
		*on = (*on & ~(1u << place)) | (u32)flag << place;
		*off = (*off & ~(1u << place)) | (u32)!flag << place;
	}
	return true;
}

void option_list(const char *name, u32 *on, u32 *off)
{
	char v[NAME_LEN];	/* if it is full, the value was cut, and cmdline_check() warns */

	if (!option_string(name, v, sizeof(v)) || strlen(v) == sizeof(v) - 1 ||
	    !option_list_parse(option_find(name), v, on, off))
		*on = *off = 0;
}

bool option_parse_number(const char *s, u64 *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*n = strtoul(s, &end, 0);
	return !*end && *n != ~0ull;
}

u64 option_number(const char *name)
{
	const struct option *o = option_find(name);
	char v[NAME_LEN];
	u64 n;

	if (!option_string(name, v, sizeof(v)) || !option_parse_number(v, &n))
		return o->dflt;
	return n >= o->min && n <= o->max ? n : o->dflt;
}

int option_choice(const char *name)
{
	const struct option *o = option_find(name);
	char v[NAME_LEN];
	int i = option_string(name, v, sizeof(v)) ? find_word(v, o->words) : -1;

	return i < 0 ? (int)o->dflt : i;
}
