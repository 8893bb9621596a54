/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair [seed=N] [seconds=N] [episodes=N] [out=DIR] [minimise=SECONDS] [keep=1] [stretch=N]
 * [trace=1] [ignore=TEXT] [FILE ...]
 *
 * Runs episode after episode, each in a process of its own, with seeds that count up from seed=; or
 * replays each FILE of an earlier run once. The exit status is 0 if nothing was found. keep=1 goes
 * on after a finding.
 */
#include "test/fuzz/pair/pair.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EPISODE_SECONDS 60

struct pair_shared *pair;
char pair_signature[400];
static const char *out = ".", *log_path, *ignore;
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_abort=1:detect_stack_use_after_return=0:abort_on_error=0:allocator_may_return_null=0";
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Without numbers, which differ from run to run. */
static void set_signature(const char *text)
{
	char *p = pair_signature, *end = p + sizeof(pair_signature) - 1;

	for (; *text && *text != '\n' && p < end; text++) {
		if (isdigit((unsigned char)*text) ||
		    (p > pair_signature && p[-1] == 'N' && isxdigit((unsigned char)*text))) {
			if (p == pair_signature || p[-1] != 'N')
				*p++ = 'N';
		} else {
			*p++ = *text;
		}
	}
	*p = 0;
}

/* From the sanitizers' report: the kind of error, and where it was. */
static void signature_of_log(void)
{
	static char line[1000];
	FILE *f = fopen(log_path, "r");
	char *p;

	while (f && fgets(line, sizeof(line), f)) {
		if ((p = strstr(line, "runtime error: ")) || (p = strstr(line, "SUMMARY: "))) {
			set_signature(p);
			break;
		}
	}
	if (f)
		fclose(f);
}

static __attribute__((noreturn)) void child(bool replay)
{
	/* The limit is CPU time of this process, so that other load on the host does not matter. */
	const struct itimerval limit = { .it_value.tv_sec = EPISODE_SECONDS };
	int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd >= 0 && !pair->trace)
		dup2(fd, 2);
	setitimer(ITIMER_PROF, &limit, NULL);
	pair->replay = replay;
	pair->over = pair->ended = false;
	pair->why[0] = 0;
	pair->end_calls = 0;
	if (!replay) {
		pair->nr_ops = 0;
		memset(pair->skip, 0, sizeof(pair->skip));
		pair_seed(pair->seed);
		pair_config_make(&pair->cfg);
	}
	pair_machine();
	pair_run_cpus(pair_loop);
	_exit(pair->ended ? 0 : 2);
}

bool pair_run(bool replay)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		child(replay);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(3);
	pair_signature[0] = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return false;
	if (pair->why[0])
		set_signature(pair->why);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		set_signature("no end");
	else
		signature_of_log();
	if (!pair_signature[0])
		snprintf(pair_signature, sizeof(pair_signature), "ended with status %#x", status);
	return true;
}

static void print_log(void)
{
	char line[1000];
	FILE *f = fopen(log_path, "r");

	for (int n = 0; f && n < 60 && fgets(line, sizeof(line), f); n++)
		fputs(line, stdout);
	if (f)
		fclose(f);
}

static void found(unsigned int minimise)
{
	char path[400];

	printf("pair: seed=%lu after %u operations: %s\n", pair->seed, pair->nr_ops, pair_signature);
	fflush(stdout);
	if (minimise)
		pair_minimise(minimise);
	snprintf(path, sizeof(path), "%s/found.%lu", out, pair->seed);
	print_log();
	if (pair_save(path))
		printf("pair: seed=%lu: %s\npair: %u operations in %s\n", pair->seed, pair_signature,
		       pair->nr_ops, path);
	fflush(stdout);
}

static void statistics(unsigned int episodes)
{
	struct rusage u;
	double took;

	getrusage(RUSAGE_CHILDREN, &u);
	took = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	printf("pair: %u episodes, %lu hypercalls, %.0f a minute of a CPU, longest stretch %lu basic blocks\n",
	       episodes,
	       pair->calls, (double)pair->calls * 60 / took, pair->longest);
	for (unsigned int i = 0; i < 64 && getenv("PAIR_STATISTICS"); i++)
		if (pair->per_call[i][0])
			printf("  %2u: %lu, %lu succeed\n", i, pair->per_call[i][0], pair->per_call[i][1]);
}

static int replay_file(const char *path)
{
	if (!pair_load(path)) {
		printf("pair: %s cannot be read\n", path);
		return 1;
	}
	if (!pair_run(true))
		return 0;
	print_log();
	printf("pair: %s: %s\n", path, pair_signature);
	return 1;
}

static u64 option(int argc, char **argv, const char *name, u64 dflt)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, strlen(name)) && argv[i][strlen(name)] == '=')
			return strtoull(argv[i] + strlen(name) + 1, NULL, 0);
	return dflt;
}

/* NAME=VALUE with a known name; an argument without = is a file. */
static bool known(const char *arg)
{
	static const char *const names[] = { "seed", "seconds", "episodes", "out", "minimise", "keep",
					     "stretch", "trace", "ignore" };
	size_t n = strcspn(arg, "=");

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && !strncmp(arg, names[i], n))
			return true;
	return !arg[n];
}

/*
 * Addresses must be the same in each run, because locks are taken in the order of their addresses.
 */
static void no_randomness(char **argv)
{
	int old = personality(0xffffffff);

	if (old != -1 && !(old & ADDR_NO_RANDOMIZE) &&
	    personality((unsigned long)old | ADDR_NO_RANDOMIZE) != -1)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	unsigned int seconds = (unsigned int)option(argc, argv, "seconds", 10), n = 0;
	u64 most = option(argc, argv, "episodes", ~0ull), seed;
	static char log_name[400];
	bool files = false;
	double start;
	int bad = 0;

	for (int i = 1; i < argc; i++)
		if (!known(argv[i])) {
			fprintf(stderr, "pair: there is no '%s' (main.c's first lines say what there is)\n", argv[i]);
			return 2;
		}
	no_randomness(argv);
	seed = option(argc, argv, "seed", (u64)time(NULL) * 1000003 + (u64)getpid()) & 0xffffffffffff;
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
		else if (!strncmp(argv[i], "ignore=", 7))
			ignore = argv[i] + 7;
	snprintf(log_name, sizeof(log_name), "%s/log.%d", out, getpid());
	log_path = log_name;
	pair = mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pair->trace = option(argc, argv, "trace", 0);
	pair->stretch = option(argc, argv, "stretch", 30000);
	for (int i = 1; i < argc; i++)
		if (!strchr(argv[i], '=')) {
			files = true;
			bad |= replay_file(argv[i]);
		}
	if (!files)
		printf("pair: seed=%lu\n", seed);
	fflush(stdout);
	start = seconds_now();
	for (; !files && n < most && seconds_now() - start < seconds; n++) {
		pair->seed = seed + n;
		if (!pair_run(false) || (ignore && strstr(pair_signature, ignore)))
			continue;
		printf("pair: found after %.1f s, %lu hypercalls\n", seconds_now() - start, pair->calls);
		found((unsigned int)option(argc, argv, "minimise", 60));
		bad = 1;
		if (!option(argc, argv, "keep", 0))
			break;
	}
	if (n)
		statistics(n);
	unlink(log_path);
	return bad;
}
