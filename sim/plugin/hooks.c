/*
 * hooks.c - where the instrumented flavour of a loaded policy arrives.
 *
 * `kmemsim policy build` gives the compiler's calls these names instead of the
 * engine's (sim/engine/hooks.c), so that built-in allocators pay nothing for the
 * checks. Each access must lie in memory that is the policy's own: its static
 * variables, its pages and their struct pages, its per-CPU memory, its stack.
 * Then it is charged like any other.
 *
 * kms_policy_step() is called at every basic block, in both flavours: together
 * with the accesses it bounds how long a call may take, the same on every host.
 */
#include "sim/plugin/internal.h"

#include <string.h>

#include "sim/engine/engine.h"
#include "sim/engine/lock.h"

#define HOOK KMS_PUBLIC
#define UNCHARGED (~0ull)
#define STACK_BELOW (64u << 10)
#define STACK_ABOVE (8u << 20)
#define MAX_PERCPU 64
/*
 * Instruction work of a policy: no cost table knows its paths, so each access to
 * memory stands for this many instructions. In compiled integer code about every
 * third instruction is a load or a store.
 */
#define INSNS_PER_ACCESS 3

typedef unsigned __int128 u128;

static void __attribute__((noinline, cold)) endless(void)
{
	plugin_fault("does not come back: %u basic blocks and accesses in one call", PLUGIN_MAX_STEPS);
}

static inline void count_step(struct plugin_call *call)
{
	if (KMS_UNLIKELY(++call->steps > PLUGIN_MAX_STEPS) && call->what)
		endless();
}

HOOK void kms_policy_step(void);
HOOK void kms_policy_step(void)
{
	count_step(plugin_call());
}

/* ---- may it touch this? ---- */

/* Per-CPU memory that the policy holds: offsets in every CPU's area. */
static struct {
	u64 start, bytes;
} percpu[MAX_PERCPU];
static u32 nr_percpu;

static bool in_percpu(u64 address)
{
	for (u32 cpu = 0; cpu < engine_nr_cpus(); cpu++) {
		u64 at = address - mm_percpu_base(cpu);

		for (u32 i = 0; i < nr_percpu; i++)
			if (at - percpu[i].start < percpu[i].bytes)
				return true;
	}
	return false;
}

static __attribute__((noinline, cold)) void may_not(u64 address, u32 size, enum sim_access kind)
{
	char at[500];

	plugin_fault("%s %u bytes at 0x%llx, %s", kind == SIM_READ ? "reads" : "writes", size,
		     (unsigned long long)address, plugin_describe_address(at, sizeof(at), address));
}

/* What is neither in its pages nor free of objects. */
static u64 look_closer(u64 address, u32 size, enum sim_access kind)
{
	u64 off = address - SIM_RAM_BASE, sp = (u64)(uintptr_t)__builtin_frame_address(0);

	if (address - plugin.data < plugin.data_bytes)
		return plugin.data_off ? plugin.data_off + (address - (plugin.data & ~4095ull)) : UNCHARGED;
	if (off < ram_bytes()) {
		if (in_percpu(address) ||
		    (kind == SIM_READ && mm_is_kernel_global((const void *)address)))
			return off;
	} else if (off - SIM_WINDOW2_OFF < book.nr_pages * sizeof(struct page)) {
		if (book_owns((off - SIM_WINDOW2_OFF) / sizeof(struct page) << SIM_PAGE_SHIFT))
			return off;
	} else if (address - (sp - STACK_BELOW) < STACK_BELOW + STACK_ABOVE ||
		   (kind == SIM_READ && address - plugin.image < plugin.image_bytes)) {
		return UNCHARGED;
	}
	may_not(address, size, kind);
	return UNCHARGED;
}

/* Offset in RAM that an access is charged as. */
static inline u64 check(const volatile void *p, u32 size, enum sim_access kind)
{
	u64 address = (u64)(uintptr_t)p, off = address - SIM_RAM_BASE;
	struct plugin_call *call = plugin_call();

	if (KMS_UNLIKELY(!call->what)) /* the file's constructors */
		return UNCHARGED;
	count_step(call);
	if (off >> SIM_PAGE_SHIFT < book.nr_pages && book_owns(off) && !book_used(off))
		return off;
	return look_closer(address, size, kind);
}

static inline void touch(const volatile void *p, u32 size, enum sim_access kind)
{
	u64 off = check(p, size, kind);

	if (off == UNCHARGED || !sim_current || plugin.booting)
		return;
	rt_work(INSNS_PER_ACCESS);
	sim_access(off, size, kind);
}

static void touch_range(const volatile void *p, u64 bytes, enum sim_access kind)
{
	const volatile char *at = p;

	while (bytes) {
		u64 left = SIM_LINE_BYTES - ((u64)(uintptr_t)at & (SIM_LINE_BYTES - 1));
		u32 n = (u32)(bytes < left ? bytes : left);

		for (u32 i = 8 - ((u64)(uintptr_t)at & 7); i < n; i += 8)
			check(at + i, 1, kind);
		touch(at, n, kind);
		at += n;
		bytes -= n;
	}
}

/* ---- loads, stores, atomics ---- */

#define ACCESS(name, size, kind)                                                                   \
	HOOK void kms_policy_##name(void *p);                                                      \
	HOOK void kms_policy_##name(void *p)                                                       \
	{                                                                                          \
		touch(p, size, kind);                                                              \
	}

/* A sequentially consistent store is a locked instruction, too. */
#define FETCH(bits, T, name, new)                                                                  \
	HOOK T kms_policy_atomic##bits##_##name(volatile T *p, T v, int order);                    \
	HOOK T kms_policy_atomic##bits##_##name(volatile T *p, T v, int order)                     \
	{                                                                                          \
		T old;                                                                             \
                                                                                                   \
		touch(p, sizeof(T), SIM_ATOMIC);                                                   \
		old = *p;                                                                          \
		*p = (T)(new);                                                                     \
		return old;                                                                        \
	}
#define EXCHANGE(bits, T, name)                                                                    \
	HOOK int kms_policy_atomic##bits##_compare_exchange_##name(volatile T *p, T *expected, T v,\
								   int order, int fail_order);     \
	HOOK int kms_policy_atomic##bits##_compare_exchange_##name(volatile T *p, T *expected, T v,\
								   int order, int fail_order)      \
	{                                                                                          \
		T old = kms_policy_atomic##bits##_compare_exchange_val(p, *expected, v, order,     \
								       fail_order);                \
		bool same = old == *expected;                                                      \
                                                                                                   \
		*expected = old;                                                                   \
		return same;                                                                       \
	}
#define ATOMIC(bits, T)                                                                            \
	HOOK T kms_policy_atomic##bits##_load(const volatile T *p, int order);                     \
	HOOK T kms_policy_atomic##bits##_load(const volatile T *p, int order)                      \
	{                                                                                          \
		touch(p, sizeof(T), SIM_READ);                                                     \
		return *p;                                                                         \
	}                                                                                          \
	HOOK void kms_policy_atomic##bits##_store(volatile T *p, T v, int order);                  \
	HOOK void kms_policy_atomic##bits##_store(volatile T *p, T v, int order)                   \
	{                                                                                          \
		touch(p, sizeof(T), order == __ATOMIC_SEQ_CST ? SIM_ATOMIC : SIM_WRITE);           \
		*p = v;                                                                            \
	}                                                                                          \
	FETCH(bits, T, exchange, v)                                                                \
	FETCH(bits, T, fetch_add, old + v)                                                         \
	FETCH(bits, T, fetch_sub, old - v)                                                         \
	FETCH(bits, T, fetch_and, old & v)                                                         \
	FETCH(bits, T, fetch_or, old | v)                                                          \
	FETCH(bits, T, fetch_xor, old ^ v)                                                         \
	FETCH(bits, T, fetch_nand, ~(old & v))                                                     \
	HOOK T kms_policy_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T v,      \
							      int order, int fail_order);          \
	HOOK T kms_policy_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T v,      \
							      int order, int fail_order)           \
	{                                                                                          \
		T old;                                                                             \
                                                                                                   \
		touch(p, sizeof(T), SIM_ATOMIC);                                                   \
		old = *p;                                                                          \
		if (old == expected)                                                               \
			*p = v;                                                                    \
		return old;                                                                        \
	}                                                                                          \
	EXCHANGE(bits, T, strong)                                                                  \
	EXCHANGE(bits, T, weak)

#include "sim/plugin/hooks.def"

HOOK void kms_policy_read_range(void *p, long bytes);
HOOK void kms_policy_read_range(void *p, long bytes)
{
	touch_range(p, (u64)bytes, SIM_READ);
}

HOOK void kms_policy_write_range(void *p, long bytes);
HOOK void kms_policy_write_range(void *p, long bytes)
{
	touch_range(p, (u64)bytes, SIM_WRITE);
}

/* Nothing to do, but the compiler calls them. */
#define NOTHING(name)                                                                              \
	HOOK void kms_policy_##name(void);                                                         \
	HOOK void kms_policy_##name(void) {}
NOTHING(init)
NOTHING(func_entry)
NOTHING(func_exit)
NOTHING(atomic_thread_fence)
NOTHING(atomic_signal_fence)

/* ---- the calls of kernel.h that touch memory ---- */

HOOK void kms_policy_spin_lock(u32 *word, u32 lock_class);
HOOK void kms_policy_spin_lock(u32 *word, u32 lock_class)
{
	u64 off = check(word, sizeof(*word), SIM_ATOMIC);

	/* of a lock in static variables the engine does not know the address */
	if (off != UNCHARGED && off != ram_off(word) && sim_current && !plugin.booting)
		sim_access(off, sizeof(*word), SIM_ATOMIC);
	kms_spin_lock(word, lock_class);
}

HOOK int kms_policy_spin_trylock(u32 *word, u32 lock_class);
HOOK int kms_policy_spin_trylock(u32 *word, u32 lock_class)
{
	u64 off = check(word, sizeof(*word), SIM_ATOMIC);

	if (off != UNCHARGED && off != ram_off(word) && sim_current && !plugin.booting)
		sim_access(off, sizeof(*word), SIM_ATOMIC);
	return kms_spin_trylock(word, lock_class);
}

HOOK void kms_policy_spin_unlock(u32 *word, u32 lock_class);
HOOK void kms_policy_spin_unlock(u32 *word, u32 lock_class)
{
	u64 off = check(word, sizeof(*word), SIM_WRITE);

	if (off != UNCHARGED && off != ram_off(word) && sim_current && !plugin.booting)
		sim_access(off, sizeof(*word), SIM_WRITE);
	kms_spin_unlock(word, lock_class);
}

static bool exchange_two(u64 *words, u64 old1, u64 old2, u64 new1, u64 new2)
{
	if (words[0] != old1 || words[1] != old2)
		return false;
	words[0] = new1;
	words[1] = new2;
	return true;
}

HOOK bool kms_policy_cmpxchg_double(void *p, u64 old1, u64 old2, u64 new1, u64 new2);
HOOK bool kms_policy_cmpxchg_double(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	touch(p, 2 * sizeof(u64), SIM_ATOMIC);
	return exchange_two(p, old1, old2, new1, new2);
}

HOOK bool kms_policy_cmpxchg_double_local(void *p, u64 old1, u64 old2, u64 new1, u64 new2);
HOOK bool kms_policy_cmpxchg_double_local(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	touch(p, 2 * sizeof(u64), SIM_ATOMIC_LOCAL);
	return exchange_two(p, old1, old2, new1, new2);
}

/* A hint about any address is no access. */
HOOK void kms_policy_prefetchw(const void *p);
HOOK void kms_policy_prefetchw(const void *p)
{
	u64 off = ram_off(p);

	if (off >> SIM_PAGE_SHIFT < book.nr_pages && book_owns(off) && sim_current && !plugin.booting)
		sim_access(off, 1, SIM_PREFETCHW);
}

HOOK void *kms_policy_memset(void *p, int c, size_t n);
HOOK void *kms_policy_memset(void *p, int c, size_t n)
{
	touch_range(p, n, SIM_WRITE);
	return memset(p, c, n);
}

HOOK void *kms_policy_memcpy(void *d, const void *s, size_t n);
HOOK void *kms_policy_memcpy(void *d, const void *s, size_t n)
{
	touch_range(s, n, SIM_READ);
	touch_range(d, n, SIM_WRITE);
	return memmove(d, s, n);
}

/* Copies that the compiler makes of its own accord, under the names it has for them. */
#define SAME_SET(name)                                                                             \
	HOOK void *name(void *p, int c, size_t n) __attribute__((alias("kms_policy_memset")));
#define SAME_COPY(name)                                                                            \
	HOOK void *name(void *d, const void *s, size_t n) __attribute__((alias("kms_policy_memcpy")));
SAME_SET(kms_policy_libc_memset)
SAME_SET(kms_policy_tsan_memset)
SAME_COPY(kms_policy_libc_memcpy)
SAME_COPY(kms_policy_tsan_memcpy)
SAME_COPY(kms_policy_libc_memmove)
SAME_COPY(kms_policy_tsan_memmove)

/* ---- pages and per-CPU memory (policy.h) ---- */

static const struct mm_ops *pages(void)
{
	return plugin.booting ? &mm_ops_plain : plugin.mm;
}

HOOK struct page *kms_policy_alloc_pages(gfp_t gfp, u32 order, int node)
{
	struct page *page;

	if (order >= MAX_ORDER)
		return NULL;
	page = pages()->alloc_pages(gfp, order, node);
	if (page)
		book_take_pages(page_to_pfn(page), order);
	return page;
}

HOOK void kms_policy_free_pages(struct page *page, u32 order)
{
	u64 off = ram_off(page) - SIM_WINDOW2_OFF;

	if (off % sizeof(struct page) || off / sizeof(struct page) >= book.nr_pages)
		plugin_fault("frees %p, which is no struct page", (void *)page);
	book_give_pages(off / sizeof(struct page), order);
	pages()->free_pages(page, order);
}

HOOK void __percpu *kms_policy_alloc_percpu(u64 size, u64 align)
{
	void *p;

	if (nr_percpu == MAX_PERCPU)
		plugin_fault("allocates per-CPU memory for the %uth time, expected at most %u", nr_percpu + 1,
			     MAX_PERCPU);
	p = pages()->alloc_percpu(size, align);
	if (p) {
		percpu[nr_percpu].start = (u64)p;
		percpu[nr_percpu++].bytes = size;
	}
	return p;
}

HOOK void kms_policy_free_percpu(void __percpu *p, u64 size)
{
	for (u32 i = 0; i < nr_percpu; i++) {
		if (percpu[i].start != (u64)p)
			continue;
		percpu[i] = percpu[--nr_percpu];
		pages()->free_percpu(p, size);
		return;
	}
	plugin_fault("frees per-CPU memory %p, which it does not hold", (void *)p);
}

void plugin_forget_percpu(void)
{
	nr_percpu = 0;
}

void plugin_save_percpu(struct bytes *b)
{
	bytes_put_varint(b, nr_percpu);
	for (u32 i = 0; i < nr_percpu; i++) {
		bytes_put_varint(b, percpu[i].start);
		bytes_put_varint(b, percpu[i].bytes);
	}
}

void plugin_load_percpu(struct cursor *c)
{
	nr_percpu = (u32)cursor_varint_max(c, MAX_PERCPU);
	for (u32 i = 0; i < nr_percpu; i++) {
		percpu[i].start = cursor_varint(c);
		percpu[i].bytes = cursor_varint(c);
	}
}
