/*
 * build.c - from a policy's source to a file that can be loaded.
 *
 * The source is compiled twice, with the flags of the built-in allocators
 * (docs/instrumentation.md), and linked into one shared object at a fixed
 * address. In between, objcopy renames the compiler's hooks to the checked ones
 * of hooks.c and hides everything but the two descriptors. -fsanitize-coverage
 * makes the compiler call kms_policy_step() at every basic block.
 */
#include "sim/plugin/internal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/config/data.h"

#define MAX_ARGS 80

struct build {
	const char *cc;
	bool clang, verbose;
	char dir[64];	       /* for what is made in between */
	char include[PATH_MAX]; /* holds kmemsim/policy.h */
	char root[PATH_MAX];	/* holds models/mm/kernel.h */
	const char *argv[MAX_ARGS];
	u32 n;
};

/* ---- running tools ---- */

static void add(struct build *b, const char *arg)
{
	if (b->n < MAX_ARGS - 1)
		b->argv[b->n++] = arg;
	b->argv[b->n] = NULL;
}

static void add_all(struct build *b, const char *const *args)
{
	for (; *args; args++)
		add(b, *args);
}

/* Carry out b->argv; its messages go to stderr. Returns its exit status, -1: could not be run. */
static int carry_out(struct build *b)
{
	int status;
	pid_t pid;

	if (b->verbose) {
		for (u32 i = 0; i < b->n; i++)
			fprintf(stderr, "%s%s", i ? " " : "", b->argv[i]);
		fputc('\n', stderr);
	}
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(b->argv[0], (char *const *)b->argv);
		_exit(127);
	}
	b->n = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return -1;
	return WEXITSTATUS(status);
}

static int step(struct build *b, const char *what, struct kms_error *err)
{
	char tool[200];
	int status;

	snprintf(tool, sizeof(tool), "%s", b->argv[0]);
	status = carry_out(b);
	if (status < 0)
		return kms_fail(err, KMS_EFAIL, "cannot run %s: is it installed? (--cc names another compiler)", tool);
	return status ? kms_fail(err, KMS_EFAIL, "%s: %s failed (exit status %d), see above", what, tool, status) : 0;
}

/* First line that a command prints. */
static bool first_line(const char *command, const char *arg, char *buf, size_t n)
{
	char text[PATH_MAX + 100];
	FILE *f;
	bool got;

	snprintf(text, sizeof(text), "%s %s 2>/dev/null", command, arg);
	f = popen(text, "r");
	got = f && fgets(buf, (int)n, f);
	if (f)
		pclose(f);
	return got;
}

/* ---- compiling ---- */

static const char *const common_flags[] = {
	"-std=gnu17", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-strict-aliasing",
	"-fno-builtin", "-fno-common", "-fvisibility=hidden", "-fno-stack-protector", "-U_FORTIFY_SOURCE",
	"-D_FORTIFY_SOURCE=0", "-fPIC", "-fno-plt", "-fcf-protection=none",
#ifdef __x86_64__
	"-mcx16",
#endif
	NULL
};
static const char *const cycle_flags[] = { "-O1", "-DKMS_FLAVOUR_CYCLE", "-fsanitize=thread", NULL };
static const char *const plain_flags[] = { "-O2", "-DKMS_FLAVOUR_PLAIN", NULL };
static const char *const gcc_flags[] = { "-fsanitize-coverage=trace-pc", "-fno-toplevel-reorder", NULL };
static const char *const gcc_cycle_flags[] = { "--param", "tsan-instrument-func-entry-exit=0", "--param",
						"tsan-distinguish-volatile=1", NULL };
static const char *const clang_flags[] = { "-fsanitize-coverage=trace-pc,bb", NULL };
static const char *const clang_cycle_flags[] = { "-mllvm", "-tsan-instrument-func-entry-exit=0", "-mllvm",
						  "-tsan-distinguish-volatile=1", "-mllvm",
						  "-tsan-instrument-read-before-write=1", "-fno-vectorize",
						  "-fno-slp-vectorize", NULL };

static int compile(struct build *b, const char *source, bool cycle, const char *object, struct kms_error *err)
{
	char include[PATH_MAX + 3], root[PATH_MAX + 3];

	snprintf(include, sizeof(include), "-I%s", b->include);
	snprintf(root, sizeof(root), "-I%s", b->root);
	add(b, b->cc);
	add_all(b, common_flags);
	add_all(b, cycle ? cycle_flags : plain_flags);
	add_all(b, b->clang ? clang_flags : gcc_flags);
	if (cycle)
		add_all(b, b->clang ? clang_cycle_flags : gcc_cycle_flags);
	add(b, include);
	add(b, root);
	add(b, "-c");
	add(b, source);
	add(b, "-o");
	add(b, object);
	return step(b, source, err);
}

/* objcopy's list of names: compiler's call, ours. */
static int write_names(const char *path, bool cycle, struct kms_error *err)
{
	static const char *const api[] = { "spin_lock", "spin_trylock", "spin_unlock", "cmpxchg_double",
					   "cmpxchg_double_local", "prefetchw", "memset", "memcpy" };
	static const char *const nothing[] = { "init", "func_entry", "func_exit", "atomic_thread_fence",
					       "atomic_signal_fence" };
	static const char *const bulk[] = { "memset", "memcpy", "memmove" };
	FILE *f = fopen(path, "w");

	if (!f)
		return kms_fail(err, KMS_EFAIL, "cannot write %s: %s", path, strerror(errno));
	fprintf(f, "__sanitizer_cov_trace_pc kms_policy_step\n");
	if (cycle) {
#define ACCESS(name, size, kind) fprintf(f, "__tsan_" #name " kms_policy_" #name "\n");
#define RENAME(bits, op) fprintf(f, "__tsan_atomic" #bits "_" op " kms_policy_atomic" #bits "_" op "\n");
#define ATOMIC(bits, type)                                                                         \
	RENAME(bits, "load")                                                                       \
	RENAME(bits, "store")                                                                      \
	RENAME(bits, "exchange")                                                                   \
	RENAME(bits, "fetch_add")                                                                  \
	RENAME(bits, "fetch_sub")                                                                  \
	RENAME(bits, "fetch_and")                                                                  \
	RENAME(bits, "fetch_or")                                                                   \
	RENAME(bits, "fetch_xor")                                                                  \
	RENAME(bits, "fetch_nand")                                                                 \
	RENAME(bits, "compare_exchange_val")                                                       \
	RENAME(bits, "compare_exchange_strong")                                                    \
	RENAME(bits, "compare_exchange_weak")
#include "sim/plugin/hooks.def"
		fprintf(f, "__tsan_read_range kms_policy_read_range\n__tsan_write_range kms_policy_write_range\n");
		/* each its own: objcopy makes no two names one */
		for (size_t i = 0; i < KMS_ARRAY_SIZE(bulk); i++)
			fprintf(f, "%s kms_policy_libc_%s\n__tsan_%s kms_policy_tsan_%s\n", bulk[i], bulk[i],
				bulk[i], bulk[i]);
		for (size_t i = 0; i < KMS_ARRAY_SIZE(nothing); i++)
			fprintf(f, "__tsan_%s kms_policy_%s\n", nothing[i], nothing[i]);
		for (size_t i = 0; i < KMS_ARRAY_SIZE(api); i++)
			fprintf(f, "kms_%s kms_policy_%s\n", api[i], api[i]);
	}
	return fclose(f) ? kms_fail(err, KMS_EFAIL, "cannot write %s: %s", path, strerror(errno)) : 0;
}

static int flavour(struct build *b, const char *source, bool cycle, const char *object, struct kms_error *err)
{
	char names[100], option[140];
	int ret = compile(b, source, cycle, object, err);

	if (ret)
		return ret;
	snprintf(names, sizeof(names), "%s/names", b->dir);
	ret = write_names(names, cycle, err);
	if (ret)
		return ret;
	snprintf(option, sizeof(option), "--redefine-syms=%s", names);
	add_all(b, (const char *const[]){ "objcopy", "--localize-hidden", option, object, NULL });
	return step(b, source, err);
}

/* ---- linking, checking ---- */

static int link_both(struct build *b, const char *source, const char *cycle, const char *plain,
		     const char *out, struct kms_error *err)
{
	char base[80];

	snprintf(base, sizeof(base), "-Wl,-Ttext-segment=%#llx", PLUGIN_BASE);
	add_all(b, (const char *const[]){ b->cc, "-shared", "-nostdlib", "-Wl,-z,now", "-Wl,-z,relro",
					  "-Wl,-z,max-page-size=4096", base, cycle, plain, "-o", out, NULL });
	return step(b, source, err);
}

/* Simulated code may call the simulator and nothing else. */
static int check_calls(const char *source, const char *file, struct kms_error *err)
{
	char command[PATH_MAX + 40], line[300], name[200], found[300] = "";
	FILE *f;

	snprintf(command, sizeof(command), "nm -D -u '%s'", file);
	f = popen(command, "r");
	if (!f)
		return kms_fail(err, KMS_EFAIL, "cannot run nm: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		size_t len = strlen(found);

		if (sscanf(line, " %*[Uvw] %199s", name) != 1 || !strncmp(name, "kms_", 4) ||
		    !strcmp(name, "memset") || !strcmp(name, "memcpy") || !strcmp(name, "memmove"))
			continue;
		snprintf(found + len, sizeof(found) - len, "%s%s", len ? ", " : "", name);
	}
	pclose(f);
	if (!*found)
		return 0;
	return kms_fail(err, KMS_EFAIL,
			"%s calls what a policy cannot call: %s (there is no C library in simulated memory; "
			"include/kmemsim/policy.h lists what there is)",
			source, found);
}

static int make(struct build *b, const char *source, const char *out, struct kms_error *err)
{
	char cycle[100], plain[100], made[100];
	int ret;

	snprintf(cycle, sizeof(cycle), "%s/cycle.o", b->dir);
	snprintf(plain, sizeof(plain), "%s/plain.o", b->dir);
	snprintf(made, sizeof(made), "%s/policy.so", b->dir);
	ret = flavour(b, source, true, cycle, err);
	if (!ret)
		ret = flavour(b, source, false, plain, err);
	if (!ret)
		ret = link_both(b, source, cycle, plain, made, err);
	if (!ret)
		ret = check_calls(source, made, err);
	if (!ret && plugin_load(made, err)) {
		err->code = KMS_EFAIL;
		return kms_fail_in(err, "%s compiles, but is no policy", source);
	}
	if (ret)
		return ret;
	add_all(b, (const char *const[]){ "cp", "-f", made, out, NULL });
	return step(b, out, err);
}

static void clean_up(struct build *b)
{
	static const char *const names[] = { "cycle.o", "plain.o", "policy.so", "names" };
	char path[120];

	for (size_t i = 0; i < KMS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
		unlink(path);
	}
	rmdir(b->dir);
}

/* Two folders to search: the public header's, and that of the kernel-like headers it includes. */
static int find_headers(struct build *b, struct kms_error *err)
{
	char *slash;

	if (!data_find("include/kmemsim/policy.h", b->include, sizeof(b->include)) &&
	    !data_find("../include/kmemsim/policy.h", b->include, sizeof(b->include)))
		return kms_fail(err, KMS_EFAIL,
				"cannot find include/kmemsim/policy.h next to the program or installed with it");
	slash = strrchr(b->include, '/');
	*slash = 0;
	snprintf(b->root, sizeof(b->root), "%s", b->include);
	if (access(strcat(b->root, "/models/mm/kernel.h"), F_OK)) { /* the source tree */
		snprintf(b->root, sizeof(b->root), "%s", b->include);
		strcat(b->root, "/../..");
	} else {
		*strstr(b->root, "/models/mm/kernel.h") = 0;
	}
	*strrchr(b->include, '/') = 0;
	return 0;
}

int plugin_build(const char *source, const char *out, const char *cc, bool verbose, struct kms_error *err)
{
	const char *env = getenv("CC"), *tmp = getenv("TMPDIR");
	struct build b = { .verbose = verbose };
	char version[300] = "";
	int ret;

	b.cc = cc ? cc : env && *env ? env : "gcc";
	if (access(source, R_OK))
		return kms_fail(err, KMS_EUSAGE, "cannot read %s: %s", source, strerror(errno));
	first_line(b.cc, "--version", version, sizeof(version));
	b.clang = strstr(version, "clang") != NULL;
	ret = find_headers(&b, err);
	if (ret)
		return ret;
	snprintf(b.dir, sizeof(b.dir), "%.40s/kmemsim-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(b.dir))
		return kms_fail(err, KMS_EFAIL, "cannot make a folder %s: %s", b.dir, strerror(errno));
	ret = make(&b, source, out, err);
	clean_up(&b);
	return ret;
}

/* ---- policy new ---- */

static bool good_name(const char *name)
{
	if (!isalpha((u8)*name) || strlen(name) > 40)
		return false;
	for (; *name; name++)
		if (!isalnum((u8)*name) && *name != '_')
			return false;
	return true;
}

/* Each NAME in the starter becomes the policy's. */
static void copy_named(FILE *out, FILE *in, const char *name)
{
	char line[400], *at, *p;

	while (fgets(line, sizeof(line), in)) {
		for (p = line; (at = strstr(p, "NAME")); p = at + 4)
			fprintf(out, "%.*s%s", (int)(at - p), p, name);
		fputs(p, out);
	}
}

int plugin_new(const char *name, char *path, size_t n, struct kms_error *err)
{
	char starter[PATH_MAX];
	FILE *in, *out;

	if (!good_name(name))
		return kms_fail(err, KMS_EUSAGE,
				"expected a name of at most 40 letters, digits and underscores that begins with a "
				"letter, found \"%s\"",
				name);
	snprintf(path, n, "%s.c", name);
	data_find("configs/policies/starter.c", starter, sizeof(starter));
	in = fopen(starter, "r");
	if (!in)
		return kms_fail(err, KMS_EFAIL, "cannot read %s: %s", starter, strerror(errno));
	out = fopen(path, "wx");
	if (!out) {
		fclose(in);
		return kms_fail(err, KMS_EUSAGE, "cannot write %s: %s", path, strerror(errno));
	}
	copy_named(out, in, name);
	fclose(in);
	return fclose(out) ? kms_fail(err, KMS_EFAIL, "cannot write %s: %s", path, strerror(errno)) : 0;
}
