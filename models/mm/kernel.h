/*
 * kernel.h - the only header the allocators see of the world outside.
 *
 * Code in models/mm is plain C that reads like kernel code. It is compiled
 * twice from the same sources: the "cycle" flavour, where the compiler's
 * thread-sanitizer hooks tell the simulator about every load, store and atomic
 * (nothing here calls the simulator), and the "plain" flavour, native code
 * used by functional timing and as the baseline of the benchmarks.
 *
 * What the kernel gets from its architecture - spinlocks, per-CPU offsets,
 * double-word compare-and-exchange, memory copies, tracepoints - is declared
 * here and provided by models/rt. Rules for code that includes this header:
 * no bit-fields, no structs by value, no inline assembly, no static or global
 * variables (kernel globals live in simulated RAM: struct kernel_globals),
 * READ_ONCE/WRITE_ONCE or atomics for what CPUs share, and no pointer in
 * simulated RAM to anything outside it.
 */
#ifndef MODELS_MM_KERNEL_H
#define MODELS_MM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/mm/steps.h"
#include "models/mm/tracepoints.h"
#include "models/mm/tunables.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u32 gfp_t;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* Arguments are evaluated once: what a compiler makes of two reads of one field is its own choice. */
#define min(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) min_a_ = (a);                                                            \
		typeof(b) min_b_ = (b);                                                            \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) max_a_ = (a);                                                            \
		typeof(b) max_b_ = (b);                                                            \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})
#define ALIGN(x, a) (((x) + ((a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a) - 1))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

static inline int fls(u32 x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline int ilog2(u64 x)
{
	return fls64(x) - 1;
}

/* ---- memory ---- */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define SMP_CACHE_BYTES 64

/* Direct map and vmemmap: two windows on simulated RAM at fixed addresses (sim/engine/ram.h). */
#define PAGE_OFFSET 0x300000000000ul
#define VMEMMAP_START (PAGE_OFFSET + (1ul << 44))
#define KERNEL_DATA_PHYS 0x1000000ul /* where struct kernel_globals lies: 16 MiB, as on x86 */

/* ---- errors: the run stops and says what and where ---- */

void kms_bug(const char *file, int line, const char *what) __attribute__((noreturn, cold));
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			kms_bug(__FILE__, __LINE__, #cond);                                        \
	} while (0)

/*
 * What is wrong with an object of a slab cache with debug options (slub_debug.h).
 * A changed byte: bytes > 0, the first of them at offset from the object's start;
 * a bad free pointer: bytes 0, offset, word; neither: what says it all.
 */
struct kms_slab_bug {
	const char *what, *doing; /* "left red zone overwritten", "in its free" or NULL */
	u64 cache;		  /* name id */
	u64 object;		  /* address */
	s64 offset;
	u32 found, expected, bytes;
	u64 word;
	/* who allocated [0] and freed [1] it last: operation 0 nobody yet; jiffies */
	u32 tracked;
	u32 cpu[2];
	u64 operation[2], when[2];
};
void kms_slab_bug(const struct kms_slab_bug *bug) __attribute__((noreturn, cold));
void kms_slab_bug_text(const struct kms_slab_bug *bug, char *text, u32 n);
u64 kms_operation(void); /* number of the running operation, from 1 on; 0 at boot */
u64 kms_jiffies(void);	 /* of 4 ms; 0 where no time passes */

/* ---- CPUs and per-CPU data ---- */

/* A per-CPU pointer is an offset into every CPU's area; 0 is never handed out. */
#define __percpu
/*
 * Constant for the caller: a thread never leaves its CPU. (Without the attribute
 * GCC reads a pointer twice in `this_cpu_ptr(p)->x += n`, Clang once.)
 */
u32 kms_smp_processor_id(void) __attribute__((const));
u64 kms_my_cpu_offset(void) __attribute__((const)); /* address of this CPU's area; no memory access (as %gs) */
#define smp_processor_id() kms_smp_processor_id()
#define this_cpu_ptr(p) ((typeof(p))((u64)(p) + kms_my_cpu_offset()))

/*
 * Run fn(arg) as another CPU, between two of its operations, and wait until it
 * is done: the kernel's per-CPU work items. Call with no lock held.
 */
void kms_run_on_cpu(u32 cpu, void (*fn)(void *arg), void *arg);

/* ---- tasks and kernel threads ---- */

enum kms_kthread { KTHREAD_KSWAPD, KTHREAD_KCOMPACTD, NR_KTHREADS };

/*
 * Wake a node's kernel thread. Where none is running for it (functional timing,
 * boot) work(nid) is carried out here and now, in the caller's place.
 */
void kms_wake_kthread(u32 kind, u32 nid, void (*work)(u32 nid));
bool kms_in_kthread(void); /* PF_KTHREAD of the running task */
/* A kernel thread sleeps for ms, or until it is woken (true). No time passes in functional timing. */
bool kms_nap(u64 ms);
void kms_cond_resched(void); /* other tasks of this CPU may go first; hold no lock */
/* Time of this task between the two is time spent in reclaim. They nest. */
void kms_reclaim_begin(void);
void kms_reclaim_end(void);
/* A word of the running task, NULL at first: compaction's capture_control. */
void kms_set_capture(void *capture);
void *kms_capture(void);

/* ---- the owner of pages on LRU lists: files and processes, which are not modelled ---- */

/* mapping and index are what the owner gave to lru_cache_add(). False: it is just being freed. */
bool kms_owner_lets_go(u64 mapping, u64 index);
/* Slab objects of a shrinker: how many of a node could go; free up to n, returns how many went. */
u64 kms_shrink_count(u32 shrinker, u32 nid);
u64 kms_shrink_scan(u32 shrinker, u32 nid, u64 n);
#define SHRINK_STOP (~0ul) /* from it: no more of them now */
bool kms_owner_moves(u64 mapping, u64 index, u64 new_pfn);
/* Out of memory: kill a task, that is free all its pages; the number freed. */
u64 kms_owner_kill(u32 task);
/* Contents of pages in user hands are not modelled: charged, not copied. */
void kms_copy_page(void *d, const void *s);

/* ---- locks: classes are named so that waits can be accounted ---- */

typedef struct {
	u32 slock;
} spinlock_t;

enum kms_lock_class { LOCK_ZONE, LOCK_PCP, LOCK_SLAB_NODE, LOCK_SLAB_MUTEX, LOCK_SLOB, LOCK_POLICY,
		      LOCK_LRU, LOCK_OOM, LOCK_BARN, NR_LOCK_CLASSES };

#ifdef KMS_FLAVOUR_CYCLE
void kms_spin_lock(u32 *word, u32 lock_class);
int kms_spin_trylock(u32 *word, u32 lock_class);
void kms_spin_unlock(u32 *word, u32 lock_class);
void kms_local_irq_save(void); /* charges the cost; simulated interrupts come between operations */
void kms_local_irq_restore(void);
void kms_cpu_relax(void);
bool kms_cmpxchg_double(void *p, u64 old1, u64 old2, u64 new1, u64 new2);
bool kms_cmpxchg_double_local(void *p, u64 old1, u64 old2, u64 new1, u64 new2);
void kms_prefetchw(const void *p);
void *kms_memset(void *p, int c, size_t n);
void *kms_memcpy(void *d, const void *s, size_t n);
#else
static inline void kms_spin_lock(u32 *word, u32 lock_class)
{
	(void)lock_class;
	/* in a replay the recorded order excludes others, and a suspended operation may hold it */
	if (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) && !stepping())
		kms_bug(__FILE__, __LINE__, "spinlock taken twice by an atomic operation");
}
static inline int kms_spin_trylock(u32 *word, u32 lock_class)
{
	(void)lock_class;
	return !__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE);
}
static inline void kms_spin_unlock(u32 *word, u32 lock_class)
{
	(void)lock_class;
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}
static inline void kms_local_irq_save(void) {}
static inline void kms_local_irq_restore(void) {}
static inline void kms_cpu_relax(void) {}
static inline bool kms_cmpxchg_double(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	unsigned __int128 o = (unsigned __int128)old2 << 64 | old1;
	unsigned __int128 n = (unsigned __int128)new2 << 64 | new1;

	return __sync_bool_compare_and_swap((unsigned __int128 *)p, o, n);
}
static inline bool kms_cmpxchg_double_local(void *p, u64 old1, u64 old2, u64 new1, u64 new2)
{
	u64 *w = p;

	if (w[0] != old1 || w[1] != old2)
		return false;
	w[0] = new1;
	w[1] = new2;
	return true;
}
static inline void kms_prefetchw(const void *p)
{
	__builtin_prefetch(p, 1);
}
#define kms_memset(p, c, n) __builtin_memset(p, c, n)
#define kms_memcpy(d, s, n) __builtin_memcpy(d, s, n)
#endif

#define spin_lock(l, cls) kms_spin_lock(&(l)->slock, cls)
#define spin_trylock(l, cls) kms_spin_trylock(&(l)->slock, cls)
#define spin_unlock(l, cls) kms_spin_unlock(&(l)->slock, cls)
#define spin_lock_irqsave(l, cls)                                                                  \
	do {                                                                                       \
		kms_local_irq_save();                                                              \
		kms_spin_lock(&(l)->slock, cls);                                                   \
	} while (0)
#define spin_unlock_irqrestore(l, cls)                                                             \
	do {                                                                                       \
		kms_spin_unlock(&(l)->slock, cls);                                                 \
		kms_local_irq_restore();                                                           \
	} while (0)
#define local_irq_save() kms_local_irq_save()
#define local_irq_restore() kms_local_irq_restore()
#define cpu_relax() kms_cpu_relax()
#define prefetchw(p) kms_prefetchw(p)
#define memset(p, c, n) kms_memset(p, c, n)
#define memcpy(d, s, n) kms_memcpy(d, s, n)

#define atomic_inc(p) __atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST)
#define atomic_dec(p) __atomic_fetch_sub(p, 1, __ATOMIC_SEQ_CST)
#define atomic_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_sub(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define atomic_dec_and_test(p) (__atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST) == 0)

/* ---- tracepoints: the only marks in allocator code (tracepoints.def) ---- */

void kms_trace(u32 tracepoint, u64 a, u64 b, u64 c);
#ifdef KMS_FLAVOUR_NATIVE /* the benchmarks' baseline: as with disabled static keys */
#define trace3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#else
#define trace3(name, a, b, c) kms_trace(TP_##name, (u64)(a), (u64)(b), (u64)(c))
#endif
#define trace2(name, a, b) trace3(name, a, b, 0)
#define trace1(name, a) trace3(name, a, 0, 0)
#define trace0(name) trace3(name, 0, 0, 0)

#endif
