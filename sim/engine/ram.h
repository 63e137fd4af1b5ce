/*
 * ram.h - simulated physical memory as one host mapping at a fixed address.
 *
 * Two windows, as the kernel has them: the direct map (all of RAM, at
 * SIM_RAM_BASE) and a second, virtually contiguous one that the kernel uses
 * for its vmemmap. Each byte of the second window is backed by a physical
 * range that the boot code set aside; ram_phys() translates. Offsets handed to
 * hooks and models are relative to SIM_RAM_BASE and cover both windows.
 *
 * Host memory is used only where it is touched; both windows read as zeros.
 */
#ifndef SIM_ENGINE_RAM_H
#define SIM_ENGINE_RAM_H

#include "sim/engine/base.h"

#ifndef SIM_RAM_BASE
#define SIM_RAM_BASE 0x300000000000ull
#endif
#define SIM_WINDOW2_OFF (1ull << 44) /* 16 TiB: the largest RAM that can be simulated */
#define SIM_LINE_SHIFT 6
#define SIM_LINE_BYTES 64u
#define SIM_PAGE_SHIFT 12
#define SIM_PAGE_BYTES 4096u

/* Offsets below this are simulated memory; 0 while nothing is mapped. */
extern u64 sim_ram_limit;

/*
 * Map ram_bytes of RAM and a second window backed by physical address
 * window2_phys on (unless ram_back_window2() says otherwise). Sizes are rounded
 * up to pages. KMS_EUSAGE: more than 16 TiB, or nothing; KMS_EFAIL: the host
 * refuses (RLIMIT_AS, overcommit, addresses in use), with what to do about it.
 */
int ram_map(u64 ram_bytes, u64 window2_bytes, u64 window2_phys, struct kms_error *err);
void ram_unmap(void);

/* Bytes [start, start + bytes) of the second window lie at phys (a node's own share of it). */
int ram_back_window2(u64 start, u64 bytes, u64 phys, struct kms_error *err);

u64 ram_bytes(void);

/* Physical address behind an offset of either window. */
u64 ram_phys(u64 off);

/* Host memory now resident for both windows, in bytes (0 if the host does not tell). */
u64 ram_resident_bytes(void);

/*
 * Call fn for every run of pages that the host holds, in ascending order of offset,
 * second window last. Runs may contain pages of zeros. Stops at the first non-zero
 * result, which it returns.
 */
int ram_each_touched(int (*fn)(void *arg, u64 off, u64 bytes), void *arg);

/* Both windows read as zeros again. */
void ram_clear(void);

static inline void *ram_ptr(u64 off)
{
	return (void *)(uintptr_t)(SIM_RAM_BASE + off);
}

static inline u64 ram_off(const void *p)
{
	return (u64)(uintptr_t)p - SIM_RAM_BASE;
}

static inline bool ram_contains(const void *p)
{
	return ram_off(p) < sim_ram_limit;
}

#endif
