/*
 * import_gfp.c - GFP flags of a recording, as Linux 6.1 has them.
 *
 * The kernel and the tools print names for combinations that they know, joined
 * by '|', and a hexadecimal rest. The bits below are the same from 5.4 to 6.18,
 * but for __GFP_ATOMIC, which went away in 6.3: what is GFP_ATOMIC without it gets
 * it back, so that a number and a name come to the same. So does GFP_NOWAIT with
 * __GFP_NOWARN, which its name stands for in newer kernels and not in older ones.
 */
#include <string.h>

#include "workloads/import_kmem.h"

#define HIGH 0x20u
#define IO 0x40u
#define FS 0x80u
#define ATOMIC 0x200u
#define DIRECT 0x400u
#define KSWAPD 0x800u
#define NOWARN 0x2000u
#define NORETRY 0x10000u
#define COMP 0x40000u
#define NOMEMALLOC 0x80000u
#define HARDWALL 0x100000u
#define ACCOUNT 0x400000u
#define RECLAIM (DIRECT | KSWAPD)
#define KERNEL (RECLAIM | IO | FS)
#define USER (KERNEL | HARDWALL)
#define HIGHUSER (USER | 0x2u)
#define HIGHUSER_MOVABLE (HIGHUSER | 0x8u)
#define THP_LIGHT ((HIGHUSER_MOVABLE | COMP | NOMEMALLOC | NOWARN) & ~RECLAIM)
#define KNOWN_BITS 0x7fffffu

static const struct gfp_name {
	const char *name;
	u32 bits;
} names[] = {
	{ "GFP_KERNEL", KERNEL }, { "__GFP_ZERO", 0x100 }, { "__GFP_NOWARN", NOWARN },
	{ "__GFP_NORETRY", NORETRY }, { "__GFP_COMP", COMP }, { "__GFP_NOMEMALLOC", NOMEMALLOC },
	{ "GFP_KERNEL_ACCOUNT", KERNEL | ACCOUNT }, { "GFP_NOWAIT", KSWAPD },
	{ "GFP_ATOMIC", HIGH | ATOMIC | KSWAPD }, { "GFP_NOFS", RECLAIM | IO }, { "GFP_NOIO", RECLAIM },
	{ "GFP_USER", USER }, { "GFP_HIGHUSER", HIGHUSER }, { "GFP_HIGHUSER_MOVABLE", HIGHUSER_MOVABLE },
	{ "GFP_TRANSHUGE_LIGHT", THP_LIGHT }, { "GFP_TRANSHUGE", THP_LIGHT | DIRECT },
	{ "GFP_DMA", 0x1 }, { "__GFP_DMA", 0x1 }, { "__GFP_HIGHMEM", 0x2 }, { "GFP_DMA32", 0x4 },
	{ "__GFP_DMA32", 0x4 }, { "__GFP_MOVABLE", 0x8 }, { "__GFP_RECLAIMABLE", 0x10 },
	{ "__GFP_HIGH", HIGH }, { "__GFP_IO", IO }, { "__GFP_FS", FS }, { "__GFP_ATOMIC", ATOMIC },
	{ "__GFP_RECLAIM", RECLAIM }, { "__GFP_DIRECT_RECLAIM", DIRECT },
	{ "__GFP_KSWAPD_RECLAIM", KSWAPD }, { "__GFP_WRITE", 0x1000 }, { "__GFP_RETRY_MAYFAIL", 0x4000 },
	{ "__GFP_NOFAIL", 0x8000 }, { "__GFP_MEMALLOC", 0x20000 }, { "__GFP_HARDWALL", HARDWALL },
	{ "__GFP_THISNODE", 0x200000 }, { "__GFP_ACCOUNT", ACCOUNT }, { "none", 0 },
};

u32 kmem_gfp_bits(u64 bits)
{
	u32 gfp = (u32)(bits & KNOWN_BITS);

	if ((gfp & (HIGH | KSWAPD | DIRECT)) == (HIGH | KSWAPD))
		gfp |= ATOMIC;
	else if ((gfp & (KSWAPD | DIRECT)) == KSWAPD)
		gfp |= NOWARN;
	return gfp;
}

static bool hex_number(const char *text, size_t length, u64 *value)
{
	size_t i = length > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;

	*value = 0;
	if (length - i > 16 || i == length)
		return false;
	for (; i < length; i++) {
		char c = text[i];
		u32 digit = c >= '0' && c <= '9' ? (u32)(c - '0') : c >= 'a' && c <= 'f' ? (u32)(c - 'a' + 10) : 16;

		if (digit == 16)
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

/* Names that 6.1 does not have (a newer kernel's) stand for no bit. */
static bool one_name(const char *text, size_t length, u64 *bits)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(names); i++)
		if (!strncmp(names[i].name, text, length) && !names[i].name[length]) {
			*bits = names[i].bits;
			return true;
		}
	*bits = 0;
	return (length > 4 && !memcmp(text, "GFP_", 4)) || (length > 6 && !memcmp(text, "__GFP_", 6)) ||
	       (length > 7 && !memcmp(text, "___GFP_", 7));
}

s64 kmem_gfp_text(const char *text, size_t length)
{
	u64 gfp = 0, bits;

	if (!length)
		return -1;
	while (length) {
		const char *bar = memchr(text, '|', length);
		size_t n = bar ? (size_t)(bar - text) : length;

		if (!one_name(text, n, &bits) && !hex_number(text, n, &bits))
			return -1;
		gfp |= bits;
		text += n + (bar ? 1 : 0);
		length -= n + (bar ? 1 : 0);
		if (bar && !length)
			return -1;
	}
	return kmem_gfp_bits(gfp);
}
