/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory and how many vCPUs Dom0 gets, in the syntax of Xen's command line. */
#include "common/dom0_option.h"

#include "common/lib.h"

/* One number, followed by a letter or %; in KiB without a letter, as in Xen. */
static bool parse_amount(const char **s, u64 total, u64 *bytes, bool *share)
{
	static const char letters[] = "BKMGT";
	const char *unit;
	char *end;
	u64 n;

	if (**s < '0' || **s > '9')
		return false;
	n = strtoul(*s, &end, 0);
	*s = end + 1;
	if (*end == '%') {
		*share = true;
		return n < 100 && !check_mul_overflow(total, n, bytes) && (*bytes /= 100, true);
	}
	unit = *end ? strchr(letters, *end & ~0x20) : NULL;
	if (!unit || !*unit) {
		unit = letters + 1;
		*s = end;
	}
	return n < 1ull << 54 && !check_mul_overflow(n, BIT(10 * (unit - letters)), bytes);
}

/* SIZE: an amount, or two joined by +. With - in front: all memory except that much. */
static bool parse_size(const char **s, u64 total, u64 *size)
{
	bool minus = **s == '-', share = minus, another;
	u64 amount;

	*s += minus;
	*size = 0;
	do {
		if (!parse_amount(s, total, &amount, &share) || check_add_overflow(*size, amount, size))
			return false;
		another = **s == '+';
		*s += another;
	} while (another);
	if (minus)
		*size = total - min(total, *size);
	return share || *size >= DOM0_MEM_MIN;
}

bool dom0_mem_parse(const char *s, u64 total, u64 dflt, u64 *mem, u64 *max)
{
	u64 least = 0, *to;

	*mem = dflt;
	*max = ~0ull;
	do {
		to = !strncmp(s, "min:", 4) ? &least : !strncmp(s, "max:", 4) ? max : mem;
		s += to == mem ? 0 : 4;
		if (!parse_size(&s, total, to))
			return false;
	} while (*s++ == ',');
	*mem = min(max_t(u64, *mem, least), *max);
	return !s[-1];
}

static bool parse_vcpus(const char **s, u32 *n)
{
	char *end;
	u64 v;

	if (**s < '0' || **s > '9')
		return false;
	v = strtoul(*s, &end, 0);
	*s = end;
	*n = (u32)v;
	return v >= 1 && v <= PVH_MAX_VCPUS;
}

bool dom0_max_vcpus_parse(const char *s, u32 dflt, u32 *n)
{
	u32 least = 1, most = PVH_MAX_VCPUS;
	bool open = *s == '-';

	if (!open && !parse_vcpus(&s, &least))
		return false;
	if (!*s) {
		*n = least;
		return true;
	}
	if (*s++ != '-' || (*s ? !parse_vcpus(&s, &most) : open))
		return false;
	*n = min(max_t(u32, dflt, least), most);
	return !*s;
}
