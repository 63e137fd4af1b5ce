/*
 * cfg_fuzz.c - random damage to configurations: nothing crashes, every refusal
 * says where, and whatever is accepted survives being written and read again.
 *
 * Repeatable: the damage comes from a seed, which a failure prints. KMS_SOAK=1
 * runs a hundred times as many cases.
 */
#include "cfg_common.h"

#include "sim/config/experiment.h"

static const char *const starts[] = {
	"{\"on\": false, \"count\": 18446744073709551615, \"offset\": -100, \"ratio\": 1e-3,\n"
	" \"title\": \"\\u00e9\\ud83d\\ude00\\n\", \"file\": \"a/../b\", \"color\": \"blue\", \"bytes\": \"1.5GiB\",\n"
	" \"delay\": \"1.5ns\", \"part\": {\"ways\": 16}, \"parts\": [{\"ways\": 1}, {\"size\": \"1 MiB\"}],\n"
	" \"words\": [], \"sizes\": [1, \"2KiB\", 1e3], \"weights\": [0.5, 10], \"any\": {\"x\": [1, {\"y\": null}]},\n"
	" \"extra\": {\"ratio\": 1}}",
	"{\"count\": \"0x1f\", \"part\": null, \"parts\": [], \"delay\": \"3 us\"}",
	"{\"any\": [[[[[[[[{}]]]]]]]], \"title\": \"\xc3\xa9\xe2\x82\xac\"}",
};

static const char *const tokens[] = {
	"{", "}", "[", "]", ",", ":", "\"", "null", "true", "-", "1", "0", "e9", ".5", "\\u0000", "\\ud800",
	"\"extends\": \"x.json\",", "\"count\":", "\"part\":{", "\xff", "\xe2\x82", "\x01", "999999999999999999999",
	"1e999", "\"64KB\"", "\"5 min\"", "\\", "[[[[", "\"ways\": 12", "//", "0x10", "\"a.json\"",
};

static const char *const sets[] = {
	"count=", "part.ways=4", "parts[0].size=1KiB", "any.x=[1", "part=null", "x[", "title={}", "words[1]=q",
	"extra={\"ratio\":0.5}", "weights[0]=1e400", "delay=1h", "parts[9]={}", "=", "on=true", "part=parts",
};

static u64 state_;

static u32 draw(u32 n)
{
	state_ ^= state_ << 13;
	state_ ^= state_ >> 7;
	state_ ^= state_ << 17;
	return (u32)((state_ >> 20) % n);
}

#define ROOM 2000

static void splice(char *text, size_t at, size_t cut, const char *with)
{
	size_t len = strlen(text), n = strlen(with);

	if (at + cut > len)
		cut = len - at;
	if (len - cut + n >= ROOM)
		return;
	memmove(text + at + n, text + at + cut, len - at - cut + 1);
	memcpy(text + at, with, n);
}

static void damage(char *text)
{
	size_t len = strlen(text), at = draw((u32)len + 1);
	char byte[2] = {(char)(1 + draw(255)), 0};

	switch (draw(5)) {
	case 0:
		splice(text, at, 1, byte);
		break;
	case 1:
		splice(text, at, 1 + draw(8), "");
		break;
	case 2:
		splice(text, at, 0, tokens[draw(KMS_ARRAY_SIZE(tokens))]);
		break;
	case 3:
		splice(text, at, draw(12), tokens[draw(KMS_ARRAY_SIZE(tokens))]);
		break;
	default:
		if (draw(4) == 0)
			text[at] = 0;
		else if (at < len)
			text[at] ^= (char)(1 << draw(7));
		/* a NUL ends the text; that is a case of its own */
	}
}

/* An accepted text: what is written for it loads to the same text. */
static void check_accepted(const struct cfg_table *table, struct cfg *cfg, u64 seed)
{
	char *one = cfg_resolved(cfg), *print = cfg_print(cfg), *two;
	static char out[sizeof(struct experiment_config)];
	struct kms_error err = {0};
	struct cfg *again;

	if (cfg_load_text(&again, table, out, one, "again.json", "", NULL, 0, &err))
		fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, err.text, one);
	two = cfg_resolved(again);
	assert_string_equal(one, two);
	assert_non_null(strchr(print, '\n'));
	cfg_free(again);
	free(one);
	free(two);
	free(print);
}

static void check_refused(const struct kms_error *err, const char *text, u64 seed)
{
	unsigned line = 0, column = 0, lines = 1;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (err->code != KMS_EUSAGE || !*err->text || strchr(err->text, '\n'))
		fail_msg("seed %llu: code %d, text '%s'", (unsigned long long)seed, err->code, err->text);
	if (!strncmp(err->text, "--set ", 6))
		return;
	if (sscanf(err->text, "f.json:%u:%u: ", &line, &column) != 2 || !line || !column || line > lines)
		fail_msg("seed %llu: no place in '%s'", (unsigned long long)seed, err->text);
}

static void one_case(const struct cfg_table *table, void *out, const char *start, u64 seed, u32 *accepted)
{
	struct kms_error err = {0};
	const char *setting = NULL;
	char text[ROOM], set[100];
	struct cfg *cfg;

	state_ = seed * 0x9e3779b97f4a7c15ull + 1;
	snprintf(text, sizeof(text), "%s", start);
	for (u32 n = draw(4); n; n--)
		damage(text);
	if (draw(3) == 0) {
		snprintf(set, sizeof(set), "%s", sets[draw(KMS_ARRAY_SIZE(sets))]);
		if (draw(3) == 0 && *set)
			set[draw((u32)strlen(set))] = (char)(1 + draw(255));
		setting = set;
	}
	if (cfg_load_text(&cfg, table, out, text, "f.json", "", &setting, setting != NULL, &err)) {
		assert_null(cfg);
		check_refused(&err, text, seed);
		return;
	}
	++*accepted;
	check_accepted(table, cfg, seed);
	cfg_free(cfg);
}

static u32 cases(void)
{
	return getenv("KMS_SOAK") ? 2000000 : 20000;
}

static void sample_section(void **state)
{
	u32 n = cases(), accepted = 0;
	struct sample s;

	(void)state;
	for (u32 i = 0; i < n; i++)
		one_case(&sample_table, &s, starts[i % KMS_ARRAY_SIZE(starts)], i, &accepted);
	/* both sides of the loader were exercised */
	assert_in_range(accepted, n / 20, n / 2);
}

static void experiment_section(void **state)
{
	static const char start[] =
		"{\"name\": \"x\", \"machine\": {\"cpus\": 2, \"l2\": {\"size\": \"256KiB\", \"ways\": 4}},\n"
		" \"allocator\": {\"slab\": \"slub\", \"slub_max_order\": 2}, \"seed\": 7,\n"
		" \"workload\": {\"trace\": \"x.kmt\", \"pacing\": \"order\", \"think_time\": \"10us\", \"warm_up\": [\"boot\"]}}";
	static struct experiment_config config;
	u32 n = cases() / 4, accepted = 0;

	(void)state;
	for (u32 i = 0; i < n; i++)
		one_case(&experiment_config_table, &config, start, 1000000 + i, &accepted);
	assert_in_range(accepted, n / 20, n / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_section),
		cmocka_unit_test(experiment_section),
	};

	return cmocka_run_group_tests_name("cfg_fuzz", tests, NULL, NULL);
}
