/*
 * answers_fuzz.c - libFuzzer on answer files of labs (lab grade). tests/e2e/fuzz.sh
 * runs it.
 *
 * Labs are carried out to be graded; inputs that name one that takes long are
 * left out.
 */
#include "sim/labs/grade.h"
#include "tests/fuzz/fuzz.h"

static const char *const quick[] = { "scenarios", "kmalloc-basics", "largest-kmalloc" };

static bool is_quick(const char *name)
{
	for (size_t i = 0; i < KMS_ARRAY_SIZE(quick); i++)
		if (!strcmp(name, quick[i]))
			return true;
	return false;
}

/* At most two labs, quick ones. */
static bool takes_long(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size);
	bool slow = false;
	u32 n = 0;

	for (u32 i = 0; lab_table[i]; i++)
		slow |= !is_quick(lab_table[i]->name) && strstr(text, lab_table[i]->name);
	for (const char *at = text; (at = strstr(at, "\"lab\"")); at++)
		n++;
	free(text);
	return slow || n > 2;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct lab_options options = { 0 };
	struct kms_error err = { 0 };
	struct grade grade;
	static FILE *nowhere;
	char path[64];
	int fd, ret;

	if (takes_long(data, size))
		return -1;
	fd = fuzz_file(data, size, path);
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	ret = grade_file(&grade, path, &options, &err);
	fuzz_result(ret, &err);
	if (!ret) {
		grade_print(&grade, nowhere);
		grade_json(&grade, nowhere);
	}
	grade_free(&grade);
	close(fd);
	return 0;
}
