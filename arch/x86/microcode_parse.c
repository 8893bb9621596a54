/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of microcode. Intel's are updates in a row, each with a header (SDM vol. 3, 9.11.1 to
 * 9.11.4). AMD's are containers in a row, as Linux's Documentation/arch/x86/microcode.rst and
 * Linux's arch/x86/kernel/cpu/microcode/amd.c know them: a table of signatures, and patches that
 * name a row of it.
 */
#include "arch/x86/microcode.h"

#include <public/errno.h>

#include "common/lib.h"

#define INTEL_DEFAULT_DATA 2000	   /* where the header says 0 */
#define INTEL_MOST_SIGNATURES 1024 /* of one update: more is no file of Intel's */
#define AMD_MAGIC 0x00414d44
#define AMD_TABLE 0
#define AMD_PATCH 1
#define AMD_MOST_ROWS 1024
#define SUM_AT_ONCE 2048
#define CPIO_HEADER 110

struct intel_header {
	u32 version, revision, date, signature, checksum, loader, platforms, data_size, total_size;
	u32 reserved[3];
};

struct intel_signatures { u32 count, checksum, reserved[3]; };
struct intel_signature { u32 signature, platforms, checksum; };
struct amd_section { u32 type, size; };
struct amd_row { u32 signature, errata[2]; u16 id, reserved; };

struct amd_header {
	u32 code, revision;
	u16 data_id;
	u8 data_len, init;
	u32 checksum, chipset[2];
	u16 cpu_id;
	u8 rest[38];
};

_Static_assert(sizeof(struct intel_header) == 48 && sizeof(struct intel_signatures) == 20 &&
	       sizeof(struct amd_row) == 16 && sizeof(struct amd_header) == 64, "the files' layouts");

static void pause_in(const struct ucode_cpu *cpu)
{
	if (cpu->pause)
		cpu->pause();
}

static u32 sum(const u8 *p, u64 len, const struct ucode_cpu *cpu)
{
	u32 total = 0;

	for (u64 i = 0; i < len / 4; i++) {
		total += get32(p + 4 * i);
		if (i % SUM_AT_ONCE == SUM_AT_ONCE - 1)
			pause_in(cpu);
	}
	return total;
}

static bool intel_is_for(u32 signature, u32 platforms, const struct ucode_cpu *cpu)
{
	return signature == cpu->signature && (!platforms || platforms & cpu->platform);
}

/*
 * Is the update for this CPU? The table, if there is one, has room for its head. The checksum of a
 * row is the header's with the row in it (SDM vol. 3, 9.11.4).
 */
static int intel_matches(const u8 *p, const struct intel_header *h, u32 data,
			 const struct ucode_cpu *cpu)
{
	const u8 *table = p + sizeof(*h) + data;
	u32 size = h->total_size - (u32)sizeof(*h) - data;
	struct intel_signatures t = { 0 };
	struct intel_signature s;
	bool found = intel_is_for(h->signature, h->platforms, cpu);

	if (size) {
		memcpy(&t, table, sizeof(t));
		if (t.count > INTEL_MOST_SIGNATURES || sizeof(t) + t.count * sizeof(s) > size)
			return -EINVAL;
	}
	for (u32 i = 0; i < t.count && !found; i++) {
		memcpy(&s, table + sizeof(t) + i * sizeof(s), sizeof(s));
		found = intel_is_for(s.signature, s.platforms, cpu);
		if (found && s.signature + s.platforms + s.checksum != h->signature + h->platforms + h->checksum)
			return -EINVAL;
	}
	if (!found)
		return 0;
	if (sum(p, sizeof(*h) + data, cpu) || (size && sum(table, sizeof(t) + t.count * sizeof(s), cpu)))
		return -EINVAL;
	return 1;
}

static int choose_intel(const u8 *file, u64 size, const struct ucode_cpu *cpu,
			struct ucode_patch *best)
{
	struct intel_header h;

	for (u64 at = 0; at < size; at += h.total_size) {
		const u8 *p = file + at;
		u32 data;
		int rc;

		if (size - at < sizeof(h))
			return -EINVAL;
		memcpy(&h, p, sizeof(h));
		data = h.data_size ?: INTEL_DEFAULT_DATA;
		if (!h.data_size)
			h.total_size = sizeof(h) + INTEL_DEFAULT_DATA;
		if (h.version != 1 || h.loader != 1 || !h.total_size || h.total_size % 1024 || data % 4 ||
		    h.total_size > size - at || data > h.total_size - sizeof(h) ||
		    (data < h.total_size - sizeof(h) &&
		     h.total_size - sizeof(h) - data < sizeof(struct intel_signatures)))
			return -EINVAL;
		rc = intel_matches(p, &h, data, cpu);
		if (rc < 0)
			return rc;
		if (rc && (!best->data || (s32)h.revision > best->revision))
			*best = (struct ucode_patch){ p, h.total_size, (s32)h.revision };
		pause_in(cpu);
	}
	return 0;
}

/* The container's id of the CPU; 0: none. The table ends at a row of zeros, or with its section. */
static u16 amd_cpu_id(const u8 *table, u32 size, const struct ucode_cpu *cpu)
{
	struct amd_row row;

	for (u32 i = 0; i < size / sizeof(row); i++) {
		memcpy(&row, table + i * sizeof(row), sizeof(row));
		if (!row.signature)
			break;
		if (row.signature == cpu->signature)
			return row.id;
	}
	return 0;
}

static int amd_patch(const u8 *p, u32 size, u16 id, struct ucode_patch *best)
{
	struct amd_header h;

	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, p, sizeof(h));
	/* A patch for one chipset, not for the CPU, is none that Linux or Xen load. */
	if (id && h.cpu_id == id && !h.chipset[0] && !h.chipset[1] &&
	    (!best->data || (s32)h.revision > best->revision))
		*best = (struct ucode_patch){ p, size, (s32)h.revision };
	return 0;
}

static int choose_amd(const u8 *file, u64 size, const struct ucode_cpu *cpu,
		      struct ucode_patch *best)
{
	struct amd_section s;
	u16 id = 0;
	int rc;

	for (u64 at = 0; at < size; at += sizeof(s) + s.size) {
		bool first;

		if (size - at < sizeof(u32))
			return -EINVAL;
		first = get32(file + at) == AMD_MAGIC;
		at += first ? sizeof(u32) : 0;
		if ((!at && !first) || size - at < sizeof(s))
			return -EINVAL;
		memcpy(&s, file + at, sizeof(s));
		if (s.type != (first ? AMD_TABLE : AMD_PATCH) || s.size > size - at - sizeof(s) ||
		    (first && s.size > AMD_MOST_ROWS * sizeof(struct amd_row)))
			return -EINVAL;
		if (first) {
			id = amd_cpu_id(file + at + sizeof(s), s.size, cpu);
		} else {
			rc = amd_patch(file + at + sizeof(s), s.size, id, best);
			if (rc)
				return rc;
		}
		pause_in(cpu);
	}
	return 0;
}

int microcode_choose(const u8 *file, u64 size, const struct ucode_cpu *cpu,
		     struct ucode_patch *best)
{
	int rc;

	*best = (struct ucode_patch){ 0 };
	rc = cpu->amd ? choose_amd(file, size, cpu, best) : choose_intel(file, size, cpu, best);
	return rc ?: best->data ? 0 : -ENOENT;
}

/* The field of eight hexadecimal digits; false: it is none. */
static bool cpio_field(const u8 *header, unsigned int i, u32 *value)
{
	*value = 0;
	for (const u8 *p = header + 6 + 8 * i, *end = p + 8; p < end; p++) {
		u8 c = *p >= 'A' ? *p | 0x20 : *p;

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		*value = *value << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/* Linux's Documentation/driver-api/early-userspace/buffer-format.rst. */
const u8 *cpio_find(const u8 *cpio, u64 size, const char *path, u64 *len)
{
	u64 at = 0, data, want = strlen(path) + 1;
	u32 file_size, name_size;

	while (at < size) {
		const u8 *h = cpio + at;

		if (!*h) {	/* between two archives */
			at += 4;
			continue;
		}
		if (size - at < CPIO_HEADER || (memcmp(h, "070701", 6) && memcmp(h, "070702", 6)) ||
		    !cpio_field(h, 6, &file_size) || !cpio_field(h, 11, &name_size))
			return NULL;
		data = ROUND_UP(at + CPIO_HEADER + name_size, 4);
		if (data > size || file_size > size - data)
			return NULL;
		if (name_size == want && !memcmp(h + CPIO_HEADER, path, want)) {
			*len = file_size;
			return cpio + data;
		}
		at = ROUND_UP(data + file_size, 4);
	}
	return NULL;
}
