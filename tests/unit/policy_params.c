/*
 * policy_params.c - the parameters of slab policies: what descriptors say, what
 * the configuration's table says, and what they do to SLUB.
 */
#include "tests/unit/slub_machine.h"

#include "models/mm/tunables.h"
#include "sim/config/experiment.h"

static const struct cfg_field *find_field(const struct cfg_table *table, const char *key)
{
	for (size_t i = 0; i < table->nr_fields; i++)
		if (!strcmp(table->fields[i].key, key))
			return &table->fields[i];
	fail_msg("section %s has no key %s", table->name, key);
	return NULL;
}

static void every_parameter_is_a_key_of_the_configuration(void **state)
{
	const struct cfg_table *allocator = find_field(&experiment_config_table, "allocator")->table;
	u32 n = 0;

	for (u32 i = 0; i < mm_ops_plain.nr_policies; i++) {
		const struct slab_policy *p = mm_ops_plain.policies[i];

		for (u32 k = 0; k < p->nr_params; k++, n++) {
			const struct slab_param *param = &p->params[k];
			const struct cfg_field *field = find_field(allocator, param->name);

			assert_string_equal(field->def, param->def);
			assert_string_equal(field->doc, param->doc);
			assert_true(field->min == (double)param->min && field->max == (double)param->max);
			assert_int_equal(field->choices != NULL, param->choices != NULL);
			assert_int_equal(param->doc[strlen(param->doc) - 1], '.');
		}
	}
	assert_true(n >= 18); /* SLUB's 8, and the 10 of sheaves */
}

static struct kmem_cache *cache_with(const struct mm_params *params)
{
	struct machine m = machine_boot(&mm_ops_plain, "slub", 1, 2, 32, params);

	return machine_cache(&m, 256, 0, 0);
}

/* 256 bytes, one CPU, 16 objects a slab: 52 objects are 7 slabs, min_partial 5. */
static void cpu_partial_and_min_partial_override_the_kernels(void **state)
{
	struct mm_params params = machine_default_params();
	struct kmem_cache *s = cache_with(&params);

	assert_int_equal(s->cpu_partial_slabs, 7);
	assert_int_equal(s->min_partial, 5);
	assert_int_equal(s->remote_node_defrag_ratio, 1000);
	machine_off();
	params.cpu_partial = 20;
	params.min_partial = 3;
	params.remote_node_defrag_ratio = MM_PARAM_ZERO;
	s = cache_with(&params);
	assert_int_equal(s->cpu_partial, 20);
	assert_int_equal(s->cpu_partial_slabs, 3); /* 40 / 16, rounded up */
	assert_int_equal(s->min_partial, 3);
	assert_int_equal(s->remote_node_defrag_ratio, 0);
	machine_off();
	params.cpu_partial = MM_PARAM_ZERO;
	params.min_partial = MM_PARAM_ZERO;
	s = cache_with(&params);
	assert_int_equal(s->cpu_partial_slabs, 0);
	assert_int_equal(s->min_partial, 0);
	machine_off();
}

/* 256 bytes: order 2 holds 64 objects; with order 0 at most, 16. */
static void slab_orders_follow_the_boot_parameters(void **state)
{
	struct mm_params params = machine_default_params();

	params.slub_min_order = 2;
	assert_int_equal(oo_order(cache_with(&params)->oo), 2);
	machine_off();
	params.slub_min_order = 0;
	params.slub_max_order = MM_PARAM_ZERO;
	params.slub_min_objects = 60;
	assert_int_equal(oo_order(cache_with(&params)->oo), 0);
	machine_off();
	params.slub_max_order = 0; /* the default, 3 */
	assert_int_equal(oo_objects(cache_with(&params)->oo), 64);
	machine_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_is_a_key_of_the_configuration),
		cmocka_unit_test(cpu_partial_and_min_partial_override_the_kernels),
		cmocka_unit_test(slab_orders_follow_the_boot_parameters),
	};

	return cmocka_run_group_tests_name("policy_params", tests, NULL, NULL);
}
