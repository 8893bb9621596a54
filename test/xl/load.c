/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's load, which must go on when the guest is saved, restored, or migrated:
 *
 * load run DISK ADDRESS PORT MIB: writes and checks so much memory, and the disk's first MiB, and
 *   sends numbers to the peer, each in a thread, without end
 * load serve PORT: the peer, for one connection; checks that no number is missing
 * load state: one line: how far the other one is, its longest pause since the last time in TSC
 *   ticks, and "ok" or what is wrong
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE 4096u
#define STEP 16u	/* 64-bit words; an emulator that does nothing else could not move the guest */
#define BLOCKS 16u
#define BLOCK (64u << 10)
#define STATE "/tmp/load"

/* In a file, shared between the load and who asks. */
struct state {
	uint64_t memory, disk, numbers;	/* rounds, blocks, 64-bit numbers */
	uint64_t pause;			/* TSC ticks */
	char wrong[64];
};

static struct state *state;
static const char *disk, *address;
static uint16_t port;
static size_t pages;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	if (state)
		snprintf(state->wrong, sizeof(state->wrong), "%s: %s", what, strerror(errno));
	exit(1);
}

static void open_state(int flags)
{
	int fd = open(STATE, O_RDWR | flags, 0600);

	if (fd < 0 || ftruncate(fd, PAGE))
		die(STATE);
	state = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		die(STATE);
	close(fd);
}

/* Each page has words of its own in each round. */
static uint64_t word(uint64_t round, uint64_t page, uint64_t i)
{
	return (round << 40 ^ page << 16 ^ i) * 0x9e3779b97f4a7c15ull;
}

static void *load_memory(void *unused)
{
	uint64_t *mem = calloc(pages, PAGE);

	if (!mem)
		die("memory");
	for (uint64_t round = 0;; state->memory = ++round) {
		for (uint64_t p = 0; p < pages; p++) {
			for (uint64_t i = 0, *w = mem + p * (PAGE / 8); i < PAGE / 8; i += STEP) {
				if (round && w[i] != word(round - 1, p, i))
					die("memory differs");
				w[i] = word(round, p, i);
			}
			if (p % 16 == 0)
				usleep(20000);
		}
	}
	return unused;
}

static void *load_disk(void *unused)
{
	static uint64_t out[BLOCK / 8] __attribute__((aligned(PAGE)));
	static uint64_t in[BLOCK / 8] __attribute__((aligned(PAGE)));
	int fd = open(disk, O_RDWR | O_DIRECT);

	if (fd < 0)
		die(disk);
	for (uint64_t n = 0;; n++) {
		off_t at = (off_t)(n % BLOCKS * BLOCK);

		for (uint64_t i = 0; i < BLOCK / 8; i++)
			out[i] = word(n, 1, i);
		if (pwrite(fd, out, BLOCK, at) != BLOCK || pread(fd, in, BLOCK, at) != BLOCK)
			die(disk);
		if (memcmp(in, out, BLOCK))
			die("the disk differs");
		state->disk = n + 1;
		usleep(100000);
	}
	return unused;
}

static struct sockaddr_in peer(const char *where)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (where && inet_pton(AF_INET, where, &a.sin_addr) != 1)
		die(where);
	return a;
}

static void *load_network(void *unused)
{
	struct sockaddr_in a = peer(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die(address);
	for (uint64_t n = 0;; n++) {
		if (write(fd, &n, sizeof(n)) != sizeof(n))
			die(address);
		state->numbers = n + 1;
		usleep(50000);
	}
	return unused;
}

/* How long nothing ran, to within some milliseconds. */
static void note_pause(uint64_t *last)
{
	uint64_t now = __builtin_ia32_rdtsc();

	if (*last && now - *last > state->pause)
		state->pause = now - *last;
	*last = now;
}

static void run(void)
{
	void *(*const loads[])(void *) = { load_memory, load_disk, load_network };
	uint64_t last = 0;
	pthread_t t;

	open_state(O_CREAT | O_TRUNC);
	for (unsigned int i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		if (pthread_create(&t, NULL, loads[i], NULL))
			die("thread");
	for (;; usleep(10000))
		note_pause(&last);
}

static void serve(void)
{
	struct sockaddr_in a = peer(NULL);
	int on = 1, s = socket(AF_INET, SOCK_STREAM, 0), fd;
	uint64_t number, last = 0;

	open_state(O_CREAT | O_TRUNC);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 1))
		die("port");
	fd = accept(s, NULL, NULL);
	while (recv(fd, &number, sizeof(number), MSG_WAITALL) == sizeof(number)) {
		if (number != state->numbers++)
			die("a number is missing");
		note_pause(&last);
	}
	die("the connection ended");
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "run")) {
		disk = argv[2];
		address = argv[3];
		port = (uint16_t)atoi(argv[4]);
		pages = strtoul(argv[5], NULL, 10) << 8;
		run();
	} else if (argc == 3 && !strcmp(argv[1], "serve")) {
		port = (uint16_t)atoi(argv[2]);
		serve();
	} else if (argc == 2 && !strcmp(argv[1], "state")) {
		open_state(0);
		printf("%lu %lu %lu %lu %s\n", state->memory, state->disk, state->numbers, state->pause,
		       *state->wrong ? state->wrong : "ok");
		state->pause = 0;
		return !!*state->wrong;
	}
	fprintf(stderr, "load run DISK ADDRESS PORT MIB | load serve PORT | load state\n");
	return 2;
}
