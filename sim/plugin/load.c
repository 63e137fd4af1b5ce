/*
 * load.c - a policy's file: loading, checking, its static variables and parameters.
 */
#include "sim/plugin/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PARAMS 64
#define MAX_DATA_BYTES (4u << 20) /* one block of the page allocator */

struct plugin plugin;

bool plugin_is_file(const char *slab)
{
	size_t n = strlen(slab);

	return n > 3 && !strcmp(slab + n - 3, ".so");
}

void plugin_unload(void)
{
	plugin_stop();
	if (plugin.handle)
		dlclose(plugin.handle);
	free(plugin.first_data);
	free(plugin.params);
	free(plugin.param_defaults);
	memset(&plugin, 0, sizeof(plugin));
}

/* ---- where its variables lie ---- */

static u64 page_down(u64 x)
{
	return x & PAGE_MASK;
}

/* The segment that is written to, without what the loader makes read-only after it has linked. */
static int note_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	u64 end = 0, start = ~0ull, data = 0, data_end = 0, relro_end = 0;

	if (info->dlpi_addr != *(u64 *)arg)
		return 0;
	for (u32 i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		u64 at = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_RELRO)
			relro_end = at + p->p_memsz;
		if (p->p_type != PT_LOAD)
			continue;
		start = min(start, page_down(at));
		end = max(end, at + p->p_memsz);
		if (p->p_flags & PF_W) {
			data = at;
			data_end = at + p->p_memsz;
		}
	}
	plugin.image = start;
	plugin.image_bytes = end - start;
	plugin.data = relro_end > data ? page_down(relro_end + PAGE_SIZE - 1) : data;
	plugin.data_bytes = data_end > plugin.data ? data_end - plugin.data : 0;
	return 1;
}

static int find_data(struct kms_error *err)
{
	struct link_map *map = NULL;
	u64 base;

	if (dlinfo(plugin.handle, RTLD_DI_LINKMAP, &map))
		return kms_fail(err, KMS_EFAIL, "%s: %s", plugin.path, dlerror());
	base = map->l_addr;
	dl_iterate_phdr(note_segments, &base);
	if (plugin.image != PLUGIN_BASE)
		return kms_fail(err, KMS_EUSAGE,
				"%s lies at %#llx in memory, expected %#llx: build it with `kmemsim policy build` "
				"(or something else of this process lies there)",
				plugin.path, (unsigned long long)plugin.image, PLUGIN_BASE);
	if (plugin.data_bytes > MAX_DATA_BYTES)
		return kms_fail(err, KMS_EUSAGE, "%s has %llu bytes of static variables, expected at most %u",
				plugin.path, (unsigned long long)plugin.data_bytes, MAX_DATA_BYTES);
	plugin.first_data = malloc(plugin.data_bytes + 1);
	if (!plugin.first_data)
		return kms_fail(err, KMS_EFAIL, "no memory for the static variables of %s", plugin.path);
	memcpy(plugin.first_data, (void *)plugin.data, plugin.data_bytes);
	return 0;
}

/* ---- its descriptor ---- */

static int check_param(const struct kms_policy_param *p, struct kms_error *err)
{
	u64 at = (u64)p->value;

	if (!p->name || !*p->name || !p->doc || !p->unit)
		return kms_fail(err, KMS_EUSAGE, "%s: a parameter without name, unit or doc", plugin.path);
	if (at - plugin.data >= plugin.data_bytes || at & 7)
		return kms_fail(err, KMS_EUSAGE, "%s: .value of parameter %s is not a static u64 of the policy",
				plugin.path, p->name);
	if (p->min > p->max || p->def < p->min || p->def > p->max)
		return kms_fail(err, KMS_EUSAGE, "%s: the default of parameter %s, %llu, is not in %llu to %llu",
				plugin.path, p->name, (unsigned long long)p->def, (unsigned long long)p->min,
				(unsigned long long)p->max);
	return 0;
}

static int check_policy(const struct kms_policy *p, const char *symbol, struct kms_error *err)
{
	if (!p)
		return kms_fail(err, KMS_EUSAGE,
				"%s is no policy: it does not define %s (a policy ends with KMS_POLICY(...) and is "
				"built by `kmemsim policy build`)",
				plugin.path, symbol);
	if (p->abi != KMS_POLICY_ABI || p->bytes != sizeof(*p))
		return kms_fail(err, KMS_EUSAGE,
				"%s was built for version %u of kmemsim/policy.h, this program has version %u: "
				"build it again with `kmemsim policy build`",
				plugin.path, p->abi, KMS_POLICY_ABI);
	if (!p->name || !*p->name || !p->summary)
		return kms_fail(err, KMS_EUSAGE, "%s: KMS_POLICY() gives no .name or no .summary", plugin.path);
	if (!p->ops || !p->ops->kmalloc || !p->ops->kfree)
		return kms_fail(err, KMS_EUSAGE, "%s: policy '%s' has no .kmalloc or no .kfree", plugin.path, p->name);
	if (!p->ops->cache_alloc != !p->ops->cache_free)
		return kms_fail(err, KMS_EUSAGE, "%s: policy '%s' has only one of .cache_alloc and .cache_free",
				plugin.path, p->name);
	if (p->nr_params > MAX_PARAMS)
		return kms_fail(err, KMS_EUSAGE, "%s: %u parameters, expected at most %u", plugin.path,
				p->nr_params, MAX_PARAMS);
	for (u32 i = 0; i < p->nr_params; i++)
		if (check_param(&p->params[i], err))
			return err->code;
	return 0;
}

static int describe(struct kms_error *err)
{
	const struct kms_policy *p = plugin.plain;

	plugin.params = calloc(p->nr_params + 1, sizeof(*plugin.params));
	plugin.param_defaults = calloc(p->nr_params + 1, sizeof(*plugin.param_defaults));
	if (!plugin.params || !plugin.param_defaults)
		return kms_fail(err, KMS_EFAIL, "no memory for the parameters of %s", plugin.path);
	for (u32 i = 0; i < p->nr_params; i++) {
		const struct kms_policy_param *q = &p->params[i];
		bool is_bool = q->type == KMS_PARAM_BOOL;

		snprintf(plugin.param_defaults[i], sizeof(*plugin.param_defaults), "%llu",
			 (unsigned long long)q->def);
		plugin.params[i] = (struct slab_param){
			.name = q->name, .type = is_bool ? "bool" : "uint", .min = (s64)q->min, .max = (s64)q->max,
			.def = !is_bool ? plugin.param_defaults[i] : q->def ? "true" : "false", .unit = q->unit,
			.doc = q->doc,
		};
	}
	plugin.as_slab = (struct slab_policy){
		.name = p->name, .summary = p->summary, .source = p->source ? p->source : "", .ops = &plugin.slab_ops,
		.params = plugin.params, .nr_params = p->nr_params,
	};
	return 0;
}

/*
 * The dynamic loader trusts a file's own account of its length, and dies of one that was cut off.
 * The table of sections is at the end of what a linker writes.
 */
static int check_whole(const char *path, struct kms_error *err)
{
	FILE *f = fopen(plugin.path, "rbe");
	Elf64_Ehdr head;
	struct stat st;
	bool known, whole;

	if (!f)
		return kms_fail(err, KMS_EUSAGE, "cannot read policy %s: %s", path, strerror(errno));
	known = fread(&head, sizeof(head), 1, f) == 1 && !memcmp(head.e_ident, ELFMAG, SELFMAG) &&
		head.e_ident[EI_CLASS] == ELFCLASS64 && !fstat(fileno(f), &st);
	fclose(f);
	if (!known)
		return kms_fail(err, KMS_EUSAGE, "cannot load policy %s: it is no ELF file, expected a shared object as `kmemsim policy build` "
				"makes it", path);
	whole = head.e_shoff < (u64)st.st_size && (u64)head.e_shnum * head.e_shentsize <= (u64)st.st_size - head.e_shoff;
	return whole ? 0 : kms_fail(err, KMS_EUSAGE, "cannot load policy %s: it is cut off: it has %llu bytes, expected %llu or more", path,
				    (unsigned long long)st.st_size,
				    (unsigned long long)(head.e_shoff + (u64)head.e_shnum * head.e_shentsize));
}

static int open_file(const char *path, struct kms_error *err)
{
	/* dlopen() looks for names without a slash in the system's folders */
	int n = snprintf(plugin.path, sizeof(plugin.path), "%s%s", strchr(path, '/') ? "" : "./", path);

	if (n < 0 || (size_t)n >= sizeof(plugin.path))
		return kms_fail(err, KMS_EUSAGE, "the name of a policy's file is too long");
	if (access(plugin.path, R_OK))
		return kms_fail(err, KMS_EUSAGE, "cannot read policy %s: %s", path, strerror(errno));
	if (check_whole(path, err))
		return KMS_EUSAGE;
	plugin.handle = dlopen(plugin.path, RTLD_NOW | RTLD_LOCAL);
	return plugin.handle ? 0 : kms_fail(err, KMS_EUSAGE, "cannot load policy %s", dlerror());
}

int plugin_load(const char *path, struct kms_error *err)
{
	int ret;

	plugin_unload();
	ret = open_file(path, err);
	if (!ret) {
		plugin.cycle = dlsym(plugin.handle, "kms_policy_cycle");
		plugin.plain = dlsym(plugin.handle, "kms_policy_plain");
		/* a file of anything else may lie anywhere: say that first */
		ret = plugin.cycle && plugin.plain ? find_data(err) : 0;
	}
	if (!ret)
		ret = check_policy(plugin.cycle, "kms_policy_cycle", err);
	if (!ret)
		ret = check_policy(plugin.plain, "kms_policy_plain", err);
	if (!ret)
		ret = describe(err);
	if (ret)
		plugin_unload();
	return ret;
}

const struct slab_policy *plugin_policy(void)
{
	return plugin.handle ? &plugin.as_slab : NULL;
}

const char *plugin_compiler(void)
{
	return plugin.plain ? plugin.plain->compiler : "";
}

/* ---- a run ---- */

static int set_param(const cJSON *value, struct kms_error *err)
{
	const struct kms_policy *p = plugin.policy;
	const struct kms_policy_param *q = NULL;
	const char *names[MAX_PARAMS], *near;
	bool is_bool;

	for (u32 i = 0; i < p->nr_params; i++) {
		names[i] = p->params[i].name;
		if (!strcmp(names[i], value->string))
			q = &p->params[i];
	}
	if (!q) {
		near = kms_nearest(value->string, names, p->nr_params);
		return kms_fail(err, KMS_EUSAGE,
				"allocator.policy_params: policy '%s' has no parameter '%s'%s%s%s (`kmemsim policies "
				"%s` lists them)",
				p->name, value->string, near ? ", did you mean '" : "", near ? near : "",
				near ? "'?" : "", plugin.path);
	}
	is_bool = q->type == KMS_PARAM_BOOL;
	if (is_bool ? !cJSON_IsBool(value)
		    : !cJSON_IsNumber(value) || value->valuedouble < (double)q->min ||
			      value->valuedouble > (double)q->max ||
			      value->valuedouble != (double)(u64)value->valuedouble)
		return is_bool ? kms_fail(err, KMS_EUSAGE, "allocator.policy_params.%s: expected true or false", q->name)
			       : kms_fail(err, KMS_EUSAGE,
					  "allocator.policy_params.%s: expected a whole number from %llu to %llu%s%s",
					  q->name, (unsigned long long)q->min, (unsigned long long)q->max,
					  *q->unit ? " " : "", q->unit);
	*q->value = is_bool ? (u64)cJSON_IsTrue(value) : (u64)value->valuedouble;
	return 0;
}

int plugin_start(const cJSON *params, const struct mm_ops *mm, bool instrumented, struct kms_error *err)
{
	const cJSON *value;
	int ret = 0;

	plugin.policy = instrumented ? plugin.cycle : plugin.plain;
	plugin.ops = plugin.policy->ops;
	plugin.mm = mm;
	plugin.data_off = 0;
	plugin_forget_percpu();
	memset(plugin_calls, 0, SIM_MAX_CPUS * sizeof(*plugin_calls));
	memcpy((void *)plugin.data, plugin.first_data, plugin.data_bytes);
	for (u32 i = 0; i < plugin.policy->nr_params; i++)
		*plugin.policy->params[i].value = plugin.policy->params[i].def;
	if (params && !cJSON_IsObject(params) && !cJSON_IsNull(params))
		return kms_fail(err, KMS_EUSAGE, "allocator.policy_params: expected an object with parameters");
	cJSON_ArrayForEach(value, params)
		if (!ret)
			ret = set_param(value, err);
	plugin_make_ops();
	return ret;
}

int plugin_watch(struct kms_error *err)
{
	int ret = book_open(ram_bytes(), err);

	if (ret)
		return ret;
	mm_inspect_plug(&plugin_inspector);
	plugin_catch_signals(true);
	return 0;
}

void plugin_stop(void)
{
	plugin_catch_signals(false);
	mm_inspect_plug(NULL);
	book_close();
	plugin.request = NULL;
}

void plugin_set_requests(plugin_request_fn *fn, void *arg)
{
	plugin.request = fn;
	plugin.request_arg = arg;
}

u32 plugin_regions(struct plugin_region *regions, u32 max)
{
	if (!plugin.data_bytes || !max)
		return 0;
	regions[0] = (struct plugin_region){ "static variables of the policy", (void *)plugin.data,
					     plugin.data_bytes };
	return 1;
}
