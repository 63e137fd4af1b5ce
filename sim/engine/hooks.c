/*
 * hooks.c - where the compiler's thread-sanitizer calls arrive.
 *
 * Simulated code (models/mm, plug-ins) is compiled with -fsanitize=thread and
 * linked without its run time: before every load and store the compiler calls
 * a function defined here, and atomics are carried out by one. Each tells the
 * engine about the access: most are served by the CPU's short cut (engine.h,
 * sim_cpu.fast), the rest by the hardware model, after which the CPU gives way
 * if another is now behind. The access itself follows the hook, so it happens
 * when the CPU has its turn at its new time.
 *
 * Accesses outside simulated RAM (stacks, constants of the host) cost nothing,
 * and outside a run nothing does. Always compiled with -O2 (Makefile): this is
 * the hottest code of cycle timing. The prototypes are those that GCC knows as
 * built-ins when another sanitizer is on.
 */
#include <string.h>

#include "sim/engine/internal.h"
#include "sim/engine/ram.h"

#define HOOK KMS_PUBLIC
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- one access ---- */

/*
 * Reads need any entry for the line, the others a writable one; SIM_ATOMIC has
 * no short cut. Only size and kind that are constants make this cheap.
 */
ALWAYS_INLINE bool access_fast(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	u64 want = off >> SIM_LINE_SHIFT << 1, entry;

	if (!cpu->fast || (off & (SIM_LINE_BYTES - 1)) + size > SIM_LINE_BYTES)
		return false;
	entry = cpu->fast[off >> SIM_LINE_SHIFT & cpu->fast_mask];
	if (kind == SIM_READ ? (entry | 1) != (want | 1) : entry != (want | 1))
		return false;
	cpu->fast_hits[kind]++;
	sim_charge(cpu, cpu->fast_part, cpu->fast_ps);
	if (kind == SIM_ATOMIC_LOCAL)
		sim_charge(cpu, cpu->local_rmw_part, cpu->local_rmw_ps);
	return true;
}

static void access_slow(struct sim_cpu *cpu, u64 off, u32 size, enum sim_access kind)
{
	cpu->accesses++;
	engine_access(cpu, off, size, kind);
	if (cpu->clock >= sim_horizon)
		sim_switch();
}

/* Not served by the short cut: another address space, or the model's turn. */
static __attribute__((noinline)) void hook_slow(u64 off, u32 size, enum sim_access kind)
{
	struct sim_cpu *cpu = sim_current;

	if (off < sim_ram_limit && cpu)
		access_slow(cpu, off, size, kind);
}

/*
 * The short cut is tried before the range check: it never holds a line outside
 * simulated RAM, because the whole line number is compared.
 */
ALWAYS_INLINE void hook(const volatile void *p, u32 size, enum sim_access kind)
{
	u64 off = (u64)(uintptr_t)p - SIM_RAM_BASE;
	struct sim_cpu *cpu = sim_current;

	if (KMS_LIKELY(cpu) && KMS_LIKELY(access_fast(cpu, off, size, kind))) {
		if (KMS_UNLIKELY(cpu->clock >= sim_horizon))
			sim_switch();
		return;
	}
	hook_slow(off, size, kind);
}

void sim_access(u64 off, u32 size, enum sim_access kind)
{
	struct sim_cpu *cpu = sim_current;

	if (kind == SIM_ATOMIC || !access_fast(cpu, off, size, kind))
		access_slow(cpu, off, size, kind);
	else
		sim_sync();
}

void sim_access_range(u64 off, u64 bytes, enum sim_access kind)
{
	while (bytes) {
		u64 left = SIM_LINE_BYTES - (off & (SIM_LINE_BYTES - 1));
		u64 n = bytes < left ? bytes : left;

		sim_access(off, (u32)n, kind);
		off += n;
		bytes -= n;
	}
}

/* GCC reports an under-aligned word as a range, clang as unaligned: up to 16 bytes are one access.
 */
static void hook_range(const volatile void *p, u64 bytes, enum sim_access kind)
{
	u64 off = (u64)(uintptr_t)p - SIM_RAM_BASE;

	if (off >= sim_ram_limit || !sim_current)
		return;
	if (bytes <= 16)
		sim_access(off, (u32)bytes, kind);
	else
		sim_access_range(off, bytes, kind);
}

/* ---- loads and stores ---- */

#define ACCESS_HOOK(name, size, kind)                                                              \
	HOOK void __tsan_##name(void *p);                                                          \
	HOOK void __tsan_##name(void *p)                                                           \
	{                                                                                          \
		hook(p, size, kind);                                                               \
	}

/* A read and a write of one statement that the compiler made one call of. */
#define READ_WRITE_HOOK(name, size)                                                                \
	HOOK void __tsan_##name(void *p);                                                          \
	HOOK void __tsan_##name(void *p)                                                           \
	{                                                                                          \
		hook(p, size, SIM_READ);                                                           \
		hook(p, size, SIM_WRITE);                                                          \
	}

#define ACCESS_HOOKS(size)                                                                         \
	ACCESS_HOOK(read##size, size, SIM_READ)                                                    \
	ACCESS_HOOK(write##size, size, SIM_WRITE)                                                  \
	ACCESS_HOOK(volatile_read##size, size, SIM_READ)                                           \
	ACCESS_HOOK(volatile_write##size, size, SIM_WRITE)                                         \
	READ_WRITE_HOOK(read_write##size, size)

#define UNALIGNED_HOOKS(size)                                                                      \
	ACCESS_HOOK(unaligned_read##size, size, SIM_READ)                                          \
	ACCESS_HOOK(unaligned_write##size, size, SIM_WRITE)                                        \
	ACCESS_HOOK(unaligned_volatile_read##size, size, SIM_READ)                                 \
	ACCESS_HOOK(unaligned_volatile_write##size, size, SIM_WRITE)                               \
	READ_WRITE_HOOK(unaligned_read_write##size, size)

ACCESS_HOOKS(1)
ACCESS_HOOKS(2)
ACCESS_HOOKS(4)
ACCESS_HOOKS(8)
ACCESS_HOOKS(16)
UNALIGNED_HOOKS(2)
UNALIGNED_HOOKS(4)
UNALIGNED_HOOKS(8)
UNALIGNED_HOOKS(16)

HOOK void __tsan_read_range(void *p, long bytes);
HOOK void __tsan_read_range(void *p, long bytes)
{
	hook_range(p, (u64)bytes, SIM_READ);
}

HOOK void __tsan_write_range(void *p, long bytes);
HOOK void __tsan_write_range(void *p, long bytes)
{
	hook_range(p, (u64)bytes, SIM_WRITE);
}

/* C++ objects of plug-ins. */
HOOK void __tsan_vptr_read(void *p);
HOOK void __tsan_vptr_read(void *p)
{
	hook(p, sizeof(void *), SIM_READ);
}

HOOK void __tsan_vptr_update(void *p, void *value);
HOOK void __tsan_vptr_update(void *p, void *value)
{
	(void)value;
	hook(p, sizeof(void *), SIM_WRITE);
}

/* ---- nothing to do, but the compiler calls them ---- */

HOOK void __tsan_init(void);
HOOK void __tsan_init(void) {}

HOOK void __tsan_func_entry(void *return_address);
HOOK void __tsan_func_entry(void *return_address)
{
	(void)return_address;
}

HOOK void __tsan_func_exit(void *unused);
HOOK void __tsan_func_exit(void *unused)
{
	(void)unused;
}

/* Simulated memory is sequentially consistent: a fence only costs time, and on x86 only a full one.
 */
HOOK void __tsan_atomic_thread_fence(int order);
HOOK void __tsan_atomic_thread_fence(int order)
{
	if (order != __ATOMIC_SEQ_CST || !sim_current)
		return;
	engine_access(sim_current, 0, 0, SIM_FENCE);
	sim_sync();
}

HOOK void __tsan_atomic_signal_fence(int order);
HOOK void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* ---- copies, from clang 15 on ---- */

HOOK void *__tsan_memcpy(void *to, const void *from, size_t bytes);
HOOK void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	hook_range(from, bytes, SIM_READ);
	hook_range(to, bytes, SIM_WRITE);
	return memcpy(to, from, bytes);
}

HOOK void *__tsan_memmove(void *to, const void *from, size_t bytes);
HOOK void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	hook_range(from, bytes, SIM_READ);
	hook_range(to, bytes, SIM_WRITE);
	return memmove(to, from, bytes);
}

HOOK void *__tsan_memset(void *to, int value, size_t bytes);
HOOK void *__tsan_memset(void *to, int value, size_t bytes)
{
	hook_range(to, bytes, SIM_WRITE);
	return memset(to, value, bytes);
}

/* ---- atomics: charged, ordered, then carried out in plain C, as there is one host thread ---- */

/* Loads and all but the strongest stores are plain moves on x86; that one is an exchange. */
ALWAYS_INLINE void hook_atomic(const volatile void *p, u32 size)
{
	hook_slow((u64)(uintptr_t)p - SIM_RAM_BASE, size, SIM_ATOMIC);
}

#define ATOMIC_FETCH(bits, T, name, expression)                                                    \
	HOOK T __tsan_atomic##bits##_##name(volatile void *p, T v, int order);                     \
	HOOK T __tsan_atomic##bits##_##name(volatile void *p, T v, int order)                      \
	{                                                                                          \
		T old;                                                                             \
                                                                                                   \
		(void)order;                                                                       \
		hook_atomic(p, sizeof(T));                                                         \
		old = *(volatile T *)p;                                                            \
		*(volatile T *)p = (T)(expression);                                                \
		return old;                                                                        \
	}

#define ATOMIC_COMPARE_EXCHANGE(bits, T, name)                                                     \
	HOOK bool __tsan_atomic##bits##_compare_exchange_##name(volatile void *p, void *expected,  \
								T v, int order, int fail_order);   \
	HOOK bool __tsan_atomic##bits##_compare_exchange_##name(volatile void *p, void *expected,  \
								T v, int order, int fail_order)    \
	{                                                                                          \
		T wanted = *(T *)expected;                                                         \
		T old =                                                                            \
		    __tsan_atomic##bits##_compare_exchange_val(p, wanted, v, order, fail_order);   \
                                                                                                   \
		if (old == wanted)                                                                 \
			return true;                                                               \
		*(T *)expected = old;                                                              \
		return false;                                                                      \
	}

#define ATOMIC_HOOKS(bits, T)                                                                      \
	HOOK T __tsan_atomic##bits##_load(const volatile void *p, int order);                      \
	HOOK T __tsan_atomic##bits##_load(const volatile void *p, int order)                       \
	{                                                                                          \
		(void)order;                                                                       \
		hook(p, sizeof(T), SIM_READ);                                                      \
		return *(const volatile T *)p;                                                     \
	}                                                                                          \
	HOOK void __tsan_atomic##bits##_store(volatile void *p, T v, int order);                   \
	HOOK void __tsan_atomic##bits##_store(volatile void *p, T v, int order)                    \
	{                                                                                          \
		if (order == __ATOMIC_SEQ_CST)                                                     \
			hook_atomic(p, sizeof(T));                                                 \
		else                                                                               \
			hook(p, sizeof(T), SIM_WRITE);                                             \
		*(volatile T *)p = v;                                                              \
	}                                                                                          \
	ATOMIC_FETCH(bits, T, exchange, v)                                                         \
	ATOMIC_FETCH(bits, T, fetch_add, old + v)                                                  \
	ATOMIC_FETCH(bits, T, fetch_sub, old - v)                                                  \
	ATOMIC_FETCH(bits, T, fetch_and, old &v)                                                   \
	ATOMIC_FETCH(bits, T, fetch_or, old | v)                                                   \
	ATOMIC_FETCH(bits, T, fetch_xor, old ^ v)                                                  \
	ATOMIC_FETCH(bits, T, fetch_nand, ~(old & v))                                              \
	HOOK T __tsan_atomic##bits##_compare_exchange_val(volatile void *p, T expected, T v,       \
							  int order, int fail_order);              \
	HOOK T __tsan_atomic##bits##_compare_exchange_val(volatile void *p, T expected, T v,       \
							  int order, int fail_order)               \
	{                                                                                          \
		T old;                                                                             \
                                                                                                   \
		(void)order, (void)fail_order;                                                     \
		hook_atomic(p, sizeof(T));                                                         \
		old = *(volatile T *)p;                                                            \
		if (old == expected)                                                               \
			*(volatile T *)p = v;                                                      \
		return old;                                                                        \
	}                                                                                          \
	ATOMIC_COMPARE_EXCHANGE(bits, T, strong)                                                   \
	ATOMIC_COMPARE_EXCHANGE(bits, T, weak)

ATOMIC_HOOKS(8, u8)
ATOMIC_HOOKS(16, u16)
ATOMIC_HOOKS(32, u32)
ATOMIC_HOOKS(64, u64)
ATOMIC_HOOKS(128, unsigned __int128)
