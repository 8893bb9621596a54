/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats, domstats, top and logs, with two domains, and files of the test's own in place of Linux's.
 */
#include "test/check.h"

#include <json-c/json.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keel/keel.h"
#include "lib/hyper.h"
#include "lib/stats.h"
#include "lib/store.h"
#include "test/run.h"

static char dir[] = "/tmp/stats-test-XXXXXX";
static unsigned int gone = ~0u;
static int hyper_error, ticks;
static const char *web_name = "web";
static struct keel k;

int keel_open(struct keel *q, bool no_xenstore)
{
	return 0;
}

/* Each look is two seconds after the one before; web runs half of the time. */
uint64_t keel_now_ms(void)
{
	return ticks * 2000;
}

int keel_domain_list(struct keel *q, struct keel_domain **out)
{
	struct keel_domain *d = calloc(2, sizeof(*d));

	ticks++;
	d[0] = (struct keel_domain){ .id = 0, .vcpus = 1, .max_vcpus = 1, .memory_kib = 512 << 10,
				     .max_memory_kib = 1 << 20, .cpu_time_ns = ticks * 200000000ull };
	d[1] = (struct keel_domain){ .id = 3, .vcpus = 1, .max_vcpus = 2, .memory_kib = 64 << 10,
				     .max_memory_kib = 128 << 10, .cpu_time_ns = ticks * 1000000000ull + 5 };
	strcpy(d[0].name, "Domain-0");
	strcpy(d[1].name, web_name);
	*out = d;
	return 2;
}

int keel_domain_find(struct keel *q, const char *who, struct keel_domain *d)
{
	struct keel_domain *all;

	if (strcmp(who, "web") && strcmp(who, "3"))
		return keel_fail(&q->err, ESRCH, "there is no domain named '%s'", who);
	keel_domain_list(q, &all);
	*d = all[1];
	free(all);
	return 0;
}

int keel_domain_find_guest(struct keel *q, const char *who, struct keel_domain *d)
{
	return keel_domain_find(q, who, d);
}

const char *keel_domain_state_name(const struct keel_domain *d)
{
	return "running";
}

char *store_read(struct keel *q, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return strcmp(path, "/local/domain/0/backend/vbd/3/51712/dev") ? NULL : strdup("xvda");
}

int hyper_vcpu_info(struct keel *q, unsigned int domid, unsigned int vcpu,
		    struct xen_domctl_getvcpuinfo *info)
{
	*info = (struct xen_domctl_getvcpuinfo){ .online = !vcpu };
	info->cpu_time = vcpu ? 0 : ticks * 500000007ull;
	return domid == gone ? -ESRCH : hyper_error;
}

int hyper_physinfo(struct keel *q, struct xen_sysctl_physinfo *info)
{
	*info = (struct xen_sysctl_physinfo){ .nr_cpus = 4, .total_pages = 1 << 18, .free_pages = 1 << 16,
					      .outstanding_pages = 3 };
	return hyper_error;
}

void keel_hold_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, old);
}

static bool interrupted;

bool keel_interrupted(struct keel *q)
{
	sigset_t set;

	sigpending(&set);
	return interrupted || sigismember(&set, SIGTERM);
}

static void put(const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *s = path + strlen(dir) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(path, 0700);
		*s = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Two interfaces, one of them renamed, and two disks; of another guest's none is web's. */
static void make_files(void)
{
	put("vif-3-0/net/vif3.0/statistics/rx_bytes", "100\n");
	put("vif-3-0/net/vif3.0/statistics/tx_bytes", "20000000000\n");
	put("vif-3-0/net/vif3.0/statistics/rx_dropped", "1\n");
	put("vif-3-0/net/vif3.0/statistics/rx_packets", "7\n");
	put("vif-3-0/net/vif3.0/statistics/tx_packets", "8\n");
	put("vif-3-0/net/vif3.0/statistics/rx_errors", "9\n");
	put("vif-3-0/net/vif3.0/statistics/tx_errors", "10\n");
	put("vif-3-0/net/vif3.0/statistics/tx_dropped", "11\n");
	put("vif-3-10/net/dmz/statistics/rx_bytes", "1024\n");
	put("vif-3-2/net/vif3.2/statistics/rx_bytes", "2048\n");
	put("vif-31-0/net/vif31.0/statistics/rx_bytes", "5\n");
	put("vbd-3-51712/statistics/rd_req", "6\n");
	put("vbd-3-51712/statistics/rd_sect", "10\n");
	put("vbd-3-51712/statistics/wr_req", "2\n");
	put("vbd-3-51712/statistics/f_req", "12\n");
	put("vbd-3-51712/statistics/ds_req", "13\n");
	put("vbd-3-51712/statistics/oo_req", "14\n");
	put("vbd-3-51728/statistics/wr_sect", "4\n");
	put("guest-web.log", "hello\r\n\xff");
}

static int run(const char *words)
{
	static const struct command *const all[] = {
		&cmd_stats, &cmd_domstats, &cmd_top, &cmd_logs, NULL,
	};

	ticks = 0;
	k = (struct keel){ 0 };
	return run_command(&k, all, words);
}

static void expect(const char *words, int rc, const char *says)
{
	int got = run(words);

	if (got != rc)
		fail_msg("keel %s: exit code %d, not %d: %s", words, got, rc, printed);
	assert_contains(printed, says);
}

/* Each line is a comment on the metric that follows, or a sample of it, as the format wants it. */
static void check_format(void)
{
	char *copy = strdup(printed), *rest = copy, *line, metric[80] = "", other[80];

	while ((line = strsep(&rest, "\n")) && *line) {
		size_t n;
		char *end;

		if (sscanf(line, "# HELP %79s", metric) == 1)
			continue;
		if (sscanf(line, "# TYPE %79s", other) == 1) {
			assert_string_equal(other, metric);
			n = strlen(metric);
			/* What only grows ends in _total, and nothing else does. */
			assert_int_equal(n > 6 && !strcmp(metric + n - 6, "_total"), strstr(line, " counter") != NULL);
			continue;
		}
		n = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		assert_int_equal(n, strlen(metric));
		assert_int_equal(strncmp(line, metric, n), 0);
		assert_true(line[n] == ' ' || line[n] == '{');
		strtod(strrchr(line, ' ') + 1, &end);
		assert_string_equal(end, "");
	}
	assert_null(rest && *rest ? rest : NULL);
	free(copy);
}

static void stats(void **state)
{
	static const char *const lines[] = {
		"# HELP keel_domain_cpu_seconds_total CPU time.\n# TYPE keel_domain_cpu_seconds_total counter\n",
		"\nkeel_domain_cpu_seconds_total{domain=\"web\",id=\"3\"} 1.000000005\n",
		"\nkeel_domain_memory_bytes{domain=\"web\",id=\"3\"} 67108864\n",
		"\nkeel_domain_memory_max_bytes{domain=\"Domain-0\",id=\"0\"} 1073741824\n",
		"\nkeel_domain_vcpu_seconds_total{domain=\"web\",id=\"3\",vcpu=\"0\"} 0.500000007\n",
		"\nkeel_domain_vcpu_online{domain=\"web\",id=\"3\",vcpu=\"1\"} 0\n",
		"\nkeel_domain_network_transmit_bytes_total{domain=\"web\",id=\"3\",vif=\"0\"} 100\n",
		"\nkeel_domain_network_receive_bytes_total{domain=\"web\",id=\"3\",vif=\"0\"} 20000000000\n",
		"\nkeel_domain_network_transmit_dropped_total{domain=\"web\",id=\"3\",vif=\"0\"} 1\n",
		"\nkeel_domain_network_transmit_bytes_total{domain=\"web\",id=\"3\",vif=\"2\"} 2048\n"
		"keel_domain_network_transmit_bytes_total{domain=\"web\",id=\"3\",vif=\"10\"} 1024\n",
		"\nkeel_domain_disk_read_bytes_total{domain=\"web\",id=\"3\",disk=\"xvda\"} 5120\n",
		"\nkeel_domain_disk_reads_total{domain=\"web\",id=\"3\",disk=\"xvda\"} 6\n",
		"\nkeel_domain_disk_written_bytes_total{domain=\"web\",id=\"3\",disk=\"51728\"} 2048\n",
		"\nkeel_host_cpus 4\n", "\nkeel_host_memory_bytes 1073741824\n",
		"\nkeel_host_memory_free_bytes 268435456\n", "\nkeel_host_memory_claimed_bytes 12288\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect("stats", 0, lines[i]);
	assert_null(strstr(printed, "id=\"31\""));
	check_format();
	web_name = "a\"b\\c\n\xff";
	expect("stats", 0, "{domain=\"a\\\"b\\\\c\\n\xef\xbf\xbd\",id=\"3\"}");
	check_format();
	web_name = "web";
	expect("stats web", 0, "domain=\"web\"");
	assert_null(strstr(printed, "Domain-0"));
	expect("stats nobody", 3, "there is no domain named 'nobody'");
	gone = 0;
	expect("stats", 0, "keel_host_cpus 4");
	assert_null(strstr(printed, "Domain-0"));
	check_format();
	gone = ~0u;
	hyper_error = -EPERM;
	expect("stats", 1, "cannot ask for the machine's figures: Operation not permitted");
	expect("domstats", 1, "cannot ask for the vCPUs of Domain-0: Operation not permitted");
	hyper_error = 0;
}

static void domstats(void **state)
{
	struct json_object *j;

	expect("domstats", 0, "Domain: Domain-0\n  name=Domain-0\n  id=0\n");
	assert_contains(printed, "\n\nDomain: web\n");
	expect("domstats web", 0, "  cpu_time_ns=1000000005\n");
	assert_contains(printed, "  vcpus.1.online=false\n");
	assert_contains(printed, "  interfaces.2.number=10\n  interfaces.2.interface=dmz\n"
			"  interfaces.2.tx_bytes=1024\n");
	assert_contains(printed, "  disks.0.number=51712\n  disks.0.vdev=xvda\n  disks.0.reads=6\n");
	run("domstats --json web");
	j = json_tokener_parse(printed);
	assert_int_equal(json_object_array_length(j), 1);
	json_object_put(j);
	expect("domstats --json web", 0, "\"rx_errors\":10,\n        \"rx_dropped\":11,\n");
	assert_contains(printed, "\"flushes\":12,\n        \"discards\":13,\n        \"waits\":14\n");
	run("stats --json");
	j = json_tokener_parse(printed);
	assert_int_equal(json_object_array_length(json_object_object_get(j, "domains")), 2);
	assert_non_null(json_object_object_get(j, "host"));
	json_object_put(j);
}

/* Of the first look there is no time before it to compare with. */
static void batch(void **state)
{
	const char *second;

	expect("top -b -i 2 -d 0.1", 0, "NAME                 STATE      CPU(sec) CPU(%)");
	assert_contains(printed, "Domain-0             running           0    0.0     524288   50.0     1    0");
	second = strstr(printed + 1, "NAME ");
	assert_non_null(second);
	assert_contains(second, "web                  running           2   50.0      65536    6.2     1    3"
			"          3   19531250    2         6         2\n");
	assert_contains(second, "running           0   10.0 ");
	assert_true(strstr(second, "Domain-0") < strstr(second, "web "));
	assert_null(strstr(printed, "vCPU"));
	expect("top -b -i 2 -d 0.1 -s cpu -v", 0, "  vCPU 1             offline           0    0.0\n");
	second = strstr(printed + 1, "NAME ");
	assert_contains(second, "  vCPU 0             online            1   25.0\n");
	assert_true(strstr(second, "Domain-0") > strstr(second, "web "));
	expect("top -b -i 1 -s memory", 0, "web");
	assert_true(strstr(printed, "Domain-0") < strstr(printed, "web "));
	expect("top -b -n 1", 0, "Domain-0 ");
	expect("top -b -n 0", 2, "bad option or value");
	expect("top --json -i 2 -d 0.1", 0, "\"cpu_percent\":50.0");
	assert_int_equal(printed[strlen(printed) - 1], '\n');
	json_object_put(json_tokener_parse(strchr(printed, '\n') + 1));
	expect("top", 1, "there is no terminal; -b is for scripts");
	expect("top -i 0", 2, "bad option or value");
	expect("top -d 0", 2, "bad option or value");
	expect("top -d nan", 2, "bad option or value");
	expect("top -s size", 2, "bad option or value");
	interrupted = true;
	expect("top -b -d 3600", 0, "web");
	interrupted = false;
}

/* Keys sort and show vCPUs, and the terminal gets back what it was. */
static void terminal(void **state)
{
	char *argv[] = { (char *)"top", (char *)"-d", (char *)"60", NULL }, seen[65536], *at;
	size_t n = 0;
	ssize_t got;
	int fd, status;
	pid_t pid;

	fflush(NULL);
	pid = forkpty(&fd, NULL, NULL, &(struct winsize){ .ws_row = 8, .ws_col = 200 });
	if (!pid)
		_exit(cmd_top.run(&k, 3, argv));
	usleep(100000);
	assert_int_equal(write(fd, "cvnq", 4), 4);
	while (n < sizeof(seen) - 1 && (got = read(fd, seen + n, sizeof(seen) - 1 - n)) > 0)
		n += got;
	seen[n] = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	assert_contains(seen, "\033[?1049h\033[?25l\033[H");
	assert_contains(seen, "\033[?25h\033[?1049l");
	at = strstr(seen, "vCPU 0");
	assert_non_null(at);
	/* Three draws, of which two have vCPUs: five lines are below the two heads. */
	for (n = 0, at = seen; (at = strstr(at, "\033[H")); at++)
		n++;
	assert_int_equal(n, 4);
	for (n = 0, at = seen; (at = strstr(at, "  vCPU ")); at++)
		n++;
	assert_int_equal(n, 2 * 3);
}

static void logs(void **state)
{
	char *argv[] = { (char *)"logs", (char *)"-f", (char *)"web", NULL }, text[32] = "";
	int out[2], status;
	pid_t pid;

	expect("logs web", 0, "hello\r\n\xff");
	expect("logs 3", 0, "hello");
	expect("logs --json web", 0, "\"log\":\"hello\\r\\n\xef\xbf\xbd\"");
	expect("logs old", 1, "there is no log ");
	put("guest-old.log", "bye\n");
	expect("logs old", 0, "bye\n");
	expect("logs ../x", 1, "'../x' is no guest's name");
	expect("logs -f --json web", 2, "no end that --json could wait for");
	interrupted = true;
	expect("logs -f web", 0, "hello");
	interrupted = false;
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		_exit(cmd_logs.run(&k, 3, argv));
	}
	assert_int_equal(read(out[0], text, sizeof(text) - 1), 8);
	put("guest-web.log", "hello\r\n\xffmore");
	memset(text, 0, sizeof(text));
	assert_int_equal(read(out[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "more");
	/* A signal is its usual end. */
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats), cmocka_unit_test(domstats), cmocka_unit_test(batch),
		cmocka_unit_test(terminal), cmocka_unit_test(logs),
	};
	char line[64];
	int rc;

	if (!mkdtemp(dir))
		return 1;
	stats_backends = console_logs = dir;
	make_files();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(line, sizeof(line), "rm -r %s", dir);
	rc |= system(line);
	free(printed);
	return rc;
}
