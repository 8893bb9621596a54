/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of devices, run in Dom0: disks are written and read back, and devices without a driver
 * (QEMU's edu and e1000) are told to do DMA to any address.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xen/grant_table.h>
#include <xen/gntdev.h>

#define PAGE 4096u
#define BLOCK (1u << 20)

static void fail(const char *what)
{
	fprintf(stderr, "devtest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* --- Disks --- */

/* Different words for each block and each seed. */
static void fill(uint64_t *words, uint64_t seed, uint64_t block)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + block * 0xbf58476d1ce4e5b9ull + 1;

	for (unsigned int i = 0; i < BLOCK / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		words[i] = x;
	}
}

static void *buffer(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		fail("memory");
	return p;
}

/*
 * devtest disk DEVICE MIB SEED: bypasses the page cache, so that each block comes from the device.
 */
static int disk(const char *path, uint64_t blocks, uint64_t seed)
{
	int fd = open(path, O_RDWR | O_DIRECT);
	uint64_t *want = buffer(BLOCK), *got = buffer(BLOCK);
	double start = seconds(), middle;

	if (fd < 0)
		fail(path);
	for (uint64_t b = 0; b < blocks; b++) {
		fill(want, seed, b);
		if (pwrite(fd, want, BLOCK, b * BLOCK) != BLOCK)
			fail("write");
	}
	if (fsync(fd))
		fail("fsync");
	middle = seconds();
	for (uint64_t b = 0; b < blocks; b++) {
		fill(want, seed, b);
		if (pread(fd, got, BLOCK, b * BLOCK) != BLOCK)
			fail("read");
		if (memcmp(want, got, BLOCK)) {
			printf("DISK %s: MiB %llu differs\n", path, (unsigned long long)b);
			return 1;
		}
	}
	printf("DISK %s: %llu MiB written in %.1f s, read back in %.1f s, equal\n", path,
	       (unsigned long long)blocks, middle - start, seconds() - middle);
	return 0;
}

/* --- PCI --- */

static int config_fd;

/* Finds the function, enables its DMA, and maps its first BAR. */
static volatile uint8_t *open_device(const char *folder, size_t size)
{
	char path[256];
	uint16_t command = 6;	/* memory, bus master */
	void *bar;
	int fd;

	snprintf(path, sizeof(path), "%s/config", folder);
	config_fd = open(path, O_RDWR);
	if (config_fd < 0 || pwrite(config_fd, &command, 2, 4) != 2)
		fail(path);
	snprintf(path, sizeof(path), "%s/resource0", folder);
	fd = open(path, O_RDWR);
	bar = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		fail(path);
	return bar;
}

static uint64_t frame_of(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8) != 8 || !(entry >> 63))
		fail("pagemap");
	close(fd);
	return entry & ((1ull << 55) - 1);
}

/* --- edu: QEMU's docs/specs/edu --- */

#define EDU_RAISE 0x60
#define EDU_ACK 0x64
#define EDU_SOURCE 0x80
#define EDU_TARGET 0x88
#define EDU_COUNT 0x90
#define EDU_COMMAND 0x98
#define EDU_START 1u
#define EDU_TO_RAM 2u
#define EDU_BUFFER 0x40000ull	/* for DMA; 4 KiB, of which QEMU 7.2 accepts one byte less */
#define EDU_MOST 2048u

static volatile uint8_t *edu;

static void reg64(unsigned int offset, uint64_t value)
{
	*(volatile uint64_t *)(edu + offset) = value;
}

static void reg32(unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(edu + offset) = value;
}

/* Each transfer takes a tenth of a second. */
static void dma(uint64_t address, unsigned int size, bool to_ram)
{
	double limit = seconds() + 20;

	reg64(EDU_SOURCE, to_ram ? EDU_BUFFER : address);
	reg64(EDU_TARGET, to_ram ? address : EDU_BUFFER);
	reg64(EDU_COUNT, size);
	reg64(EDU_COMMAND, EDU_START | (to_ram ? EDU_TO_RAM : 0));
	while (*(volatile uint64_t *)(edu + EDU_COMMAND) & EDU_START) {
		if (seconds() > limit) {
			fprintf(stderr, "devtest: edu's DMA does not end\n");
			exit(1);
		}
		usleep(10000);
	}
}

/* Fills size bytes of the device's own memory with value. */
static void load(uint32_t value, unsigned int size)
{
	static uint32_t *page;

	if (!page)
		page = buffer(PAGE);
	for (unsigned int i = 0; i < PAGE / 4; i++)
		page[i] = value;
	dma(frame_of(page) * PAGE, size, false);
}

static void write_to(uint64_t address, uint32_t value, unsigned int size)
{
	load(value, size);
	dma(address, size, true);
}

/* devtest own EDU: DMA to its own page, which must work. */
static int own(void)
{
	uint8_t *page = buffer(PAGE);

	write_to(frame_of(page) * PAGE, 0x3c3c3c3c, EDU_MOST);
	for (unsigned int i = 0; i < EDU_MOST; i++) {
		if (page[i] != 0x3c) {
			printf("DMA own page: byte %u is %#x\n", i, page[i]);
			return 1;
		}
	}
	printf("DMA own page: ok\n");
	return 0;
}

/*
 * devtest granted EDU DOMAIN REFERENCE: DMA to a granted page while it is mapped, and after that.
 */
static int granted(unsigned int domid, unsigned int ref)
{
	struct ioctl_gntdev_map_grant_ref map = { .count = 1, .refs = { { domid, ref } } };
	struct ioctl_gntdev_unmap_grant_ref unmap = { .count = 1 };
	int fd = open("/dev/xen/gntdev", O_RDWR);
	volatile uint8_t *p;
	uint64_t address;

	if (fd < 0 || ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map))
		fail("gntdev");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, map.index);
	if (p == MAP_FAILED)
		fail("the grant");
	address = p[0] * 0 + frame_of((void *)p) * PAGE;
	write_to(address, 0x5a5a5a5a, 16);
	printf("DMA granted page at %#llx: %s\n", (unsigned long long)address,
	       p[0] == 0x5a ? "written" : "not written");
	fflush(stdout);
	sleep(1);	/* so that the guest sees it */
	munmap((void *)p, PAGE);
	unmap.index = map.index;
	if (ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap))
		fail("unmap");
	write_to(address, 0xa5a5a5a5, 16);
	printf("DMA after unmap at %#llx: done\n", (unsigned long long)address);
	return 0;
}

/* devtest storm EDU SECONDS: MSIs as fast as possible, with a vector that Linux does not use. */
static int storm(unsigned int duration)
{
	uint8_t pos;
	uint16_t enable = 0x81;	/* 64 bits wide, on */
	uint32_t message[3] = { 0xfee00000, 0, 0xd0 };
	unsigned long n = 0;
	double end = seconds() + duration;

	if (pread(config_fd, &pos, 1, 0x34) != 1 || pwrite(config_fd, message, 12, pos + 4) != 12 ||
	    pwrite(config_fd, &enable, 2, pos + 2) != 2)
		fail("MSI");
	while (seconds() < end) {
		for (unsigned int i = 0; i < 16; i++, n++) {
			reg32(EDU_RAISE, 1);
			reg32(EDU_ACK, 1);
		}
	}
	enable = 0x80;
	if (pwrite(config_fd, &enable, 2, pos + 2) != 2)
		fail("MSI");
	printf("MSI storm: %lu\n", n);
	return 0;
}

/* --- e1000: each descriptor that it cannot read is a fault; 8254x manual, 13.4 --- */

/* devtest flood E1000 ADDRESS SECONDS */
static int flood(volatile uint8_t *bar, uint64_t address, unsigned int duration)
{
	double end = seconds() + duration;
	unsigned long n = 0;

	*(volatile uint32_t *)(bar + 0x400) = 0;	/* TCTL: off */
	*(volatile uint32_t *)(bar + 0x3800) = (uint32_t)address;
	*(volatile uint32_t *)(bar + 0x3804) = (uint32_t)(address >> 32);
	*(volatile uint32_t *)(bar + 0x3808) = PAGE;	/* 256 descriptors */
	*(volatile uint32_t *)(bar + 0x3810) = 0;
	*(volatile uint32_t *)(bar + 0x3818) = 0;
	*(volatile uint32_t *)(bar + 0x400) = 2;	/* on */
	while (seconds() < end)
		*(volatile uint32_t *)(bar + 0x3818) = ++n % 256;
	*(volatile uint32_t *)(bar + 0x400) = 0;
	printf("flood: %lu descriptors\n", n);
	return 0;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "disk") && argc == 5)
		return disk(argv[2], number(argv[3]), number(argv[4]));
	if (!strcmp(what, "flood") && argc == 5)
		return flood(open_device(argv[2], 0x20000), number(argv[3]), number(argv[4]));
	edu = argc > 2 ? open_device(argv[2], 1 << 20) : NULL;
	if (!strcmp(what, "own"))
		return own();
	if (!strcmp(what, "storm") && argc == 4)
		return storm(number(argv[3]));
	if (!strcmp(what, "granted") && argc == 5)
		return granted(number(argv[3]), number(argv[4]));
	if (!strcmp(what, "write") && argc == 6) {
		write_to(number(argv[3]), number(argv[4]), number(argv[5]));
		return 0;
	}
	if (!strcmp(what, "read") && argc == 4) {
		dma(number(argv[3]), EDU_MOST, false);
		return 0;
	}
	fprintf(stderr, "devtest: see the comments in test/dom0/devtest.c\n");
	return 2;
}
