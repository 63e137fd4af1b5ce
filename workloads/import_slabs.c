/*
 * import_slabs.c - the recorded machine's own list of slab caches, for objects
 * whose cache no event names: `slab.tsv` of a capture (cache, attribute, value of
 * /sys/kernel/slab) or /proc/slabinfo. import_kmem_cache.c asks by sizes.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/import_internal.h"
#include "workloads/lines.h"

struct slab_entry {
	char *alias; /* the first of those merged into it; NULL none */
	u64 req, alloc; /* req 0: not known */
	bool is_alias;
};

struct slab_list {
	struct names names;
	struct slab_entry *entries; /* by name */
	u32 capacity;
};

static struct slab_entry *entry(struct slab_list *l, const char *name, size_t length)
{
	s64 at = names_enter(&l->names, name, length);

	if (at >= l->capacity) {
		u32 capacity = 2 * ((u32)at + 64);
		struct slab_entry *grown = realloc(l->entries, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + l->capacity, 0, (capacity - l->capacity) * sizeof(*grown));
		l->entries = grown;
		l->capacity = capacity;
	}
	return at < 0 ? NULL : &l->entries[at];
}

/* "dentry<tab>object_size<tab>192" */
static bool take_attribute(struct slab_list *l, const char *line)
{
	const char *attribute = strchr(line, '\t'), *value = attribute ? strchr(attribute + 1, '\t') : NULL;
	struct slab_entry *e;
	size_t length;

	if (!value)
		return false;
	length = (size_t)(value++ - ++attribute);
	e = entry(l, line, (size_t)(attribute - 1 - line));
	if (e && length == 11 && !memcmp(attribute, "object_size", length))
		e->req = strtoull(value, NULL, 10);
	else if (e && length == 9 && !memcmp(attribute, "slab_size", length))
		e->alloc = strtoull(value, NULL, 10);
	else if (e && length == 8 && !memcmp(attribute, "alias_of", length)) {
		e->is_alias = true;
		e = entry(l, value, strlen(value));
		if (e && !e->alias)
			e->alias = strndup(line, (size_t)(attribute - 1 - line));
	}
	return e;
}

/* "dentry   2835 3024 192 21 1 : ...": the fourth word is an object's place in its slab. */
static bool take_slabinfo(struct slab_list *l, const char *line)
{
	unsigned long long active, all, size;
	struct slab_entry *e;
	char name[128];

	if (*line == '#' || !strncmp(line, "slabinfo", 8))
		return true;
	if (sscanf(line, "%127s %llu %llu %llu", name, &active, &all, &size) != 4)
		return false;
	e = entry(l, name, strlen(name));
	if (e)
		e->alloc = size;
	return e;
}

void slab_list_close(struct slab_list *l)
{
	for (u32 i = 0; l && i < l->capacity; i++)
		free(l->entries[i].alias);
	if (!l)
		return;
	names_free(&l->names);
	free(l->entries);
	free(l);
}

static int read_list(struct slab_list *l, struct lines *in, struct kms_error *err)
{
	char *line;
	int ret;

	while ((ret = lines_next(in, &line, err)) > 0)
		if (*line && !(strchr(line, '\t') ? take_attribute(l, line) : take_slabinfo(l, line)))
			return kms_fail(err, KMS_EUSAGE, "%s:%llu: found '%.60s', expected a line of a capture's slab.tsv or of /proc/slabinfo",
					in->path, (unsigned long long)in->number, line);
	return ret;
}

int slab_list_open(struct slab_list **list, const char *path, struct kms_error *err)
{
	struct slab_list *l = calloc(1, sizeof(*l));
	struct lines in;
	int ret;

	*list = NULL;
	if (!l)
		return kms_fail(err, KMS_EFAIL, "no host memory for importing");
	ret = lines_open_file(&in, path, err);
	if (!ret) {
		ret = read_list(l, &in, err);
		lines_close(&in);
	}
	if (ret)
		slab_list_close(l);
	else
		*list = l;
	return ret;
}

static bool of_kmalloc(const char *name)
{
	return strstr(name, "kmalloc-") != NULL;
}

const char *slab_list_find(const struct slab_list *l, u64 req, u64 alloc)
{
	const char *found = NULL;

	for (u32 i = 0; l && i < l->names.n; i++) {
		const struct slab_entry *e = &l->entries[i];
		const char *name = l->names.texts[i];

		if (e->is_alias || e->alloc != alloc || (e->req && e->req != req) || of_kmalloc(name))
			continue;
		if (found)
			return NULL;
		found = *name == ':' && e->alias ? e->alias : name;
	}
	return found;
}
