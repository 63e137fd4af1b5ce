# kmemsim - `make help` lists the targets.
#
# Everything is built out of tree in $(O). One archive per module; the
# allocators (models/mm) are compiled twice from the same sources: "cycle",
# where the compiler's thread-sanitizer hooks report every access to the
# simulator, and "plain", native code. Their flags are the same in every
# variant of the build, so that simulated results do not depend on it.

O ?= build
# CROSS_COMPILE=aarch64-linux-gnu-: for another architecture, whose libraries CPPFLAGS and LDFLAGS find.
CROSS_COMPILE ?=
CC ?= gcc
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
LD := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
AR := $(CROSS_COMPILE)ar
PREFIX ?= /usr/local
# SAN=address,undefined: sanitizers for everything but models/mm. DEBUG=1: -O0.
# WERROR=1: warnings are errors (CI). V=1: show commands.
SAN ?=
DEBUG ?=
WERROR ?=
V ?=

ifeq ($(V),)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
else
Q :=
say = @:
endif

PACKAGES := gcc make pkg-config binutils libboost-context-dev libcjson-dev libsqlite3-dev \
	libgsl-dev libzstd-dev libxxhash-dev libncurses-dev libhwloc-dev uthash-dev zlib1g-dev liblzma-dev libcmocka-dev gnuplot-nox sqlite3 zstd xz-utils \
	libtracecmd-dev libtraceevent-dev libtracefs-dev

VERSION := 0.1.0
GIT := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# ---- flags ----

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
WARN += $(if $(WERROR),-Werror)
OPT := $(if $(DEBUG),-O0,-O2)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
CPPFLAGS += -I. -Iinclude -I$(O)/gen -D_GNU_SOURCE
CFLAGS_HOST := -std=gnu17 -g $(OPT) $(WARN) -fno-strict-aliasing $(SANFLAGS) $(CFLAGS)
LDLIBS := -ltracecmd -ltracefs -ltraceevent -lboost_context -lncursesw -ltinfo -lhwloc -lcjson -lsqlite3 \
	-lgsl -lgslcblas -lzstd -lz -llzma -lxxhash -ldl -lm
LDFLAGS_ALL := $(SANFLAGS) $(LDFLAGS)

ARCH := $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)
IS_CLANG := $(shell $(CC) --version 2>/dev/null | grep -q clang && echo 1)
CX16 := $(if $(filter x86_64,$(ARCH)),-mcx16)

# Simulated code: pinned, whatever the rest is built with (docs/instrumentation.md).
MM_COMMON := -std=gnu17 -g $(WARN) -fno-strict-aliasing -fno-builtin -fno-common \
	-fvisibility=hidden -fno-stack-protector -U_FORTIFY_SOURCE $(CX16)
MM_PLAIN := $(MM_COMMON) -O2 -DKMS_FLAVOUR_PLAIN
MM_CYCLE := $(MM_COMMON) -O1 -DKMS_FLAVOUR_CYCLE -fsanitize=thread
ifeq ($(IS_CLANG),1)
MM_CYCLE += -mllvm -tsan-instrument-func-entry-exit=0 -mllvm -tsan-distinguish-volatile=1 \
	-mllvm -tsan-instrument-read-before-write=1 -fno-vectorize -fno-slp-vectorize
else
MM_CYCLE += --param tsan-instrument-func-entry-exit=0 --param tsan-distinguish-volatile=1
endif

# ---- modules ----

MODULES := engine config hw rt workloads results plots run validate memtrace plugin teach labs calibrate cli
DIR_engine := sim/engine
DIR_config := sim/config
DIR_cli := sim/cli
DIR_run := sim/run
DIR_validate := sim/validate
DIR_memtrace := sim/memtrace
DIR_plugin := sim/plugin
DIR_teach := sim/teach
DIR_labs := sim/labs
DIR_calibrate := sim/calibrate
DIR_hw := models/hw
DIR_rt := models/rt
DIR_workloads := workloads
DIR_results := results
DIR_plots := plots

objs = $(patsubst %.c,$(O)/obj/%.o,$(wildcard $(1)/*.c))
MAIN_OBJ := $(O)/obj/sim/cli/main.o
$(foreach m,$(MODULES),$(eval OBJS_$(m) := $(filter-out $(MAIN_OBJ),$(call objs,$(DIR_$(m))))))
OBJS_results += $(if $(wildcard results/schema.sql),$(O)/obj/gen/schema.o)

MM_ALL := $(wildcard models/mm/*.c)
MM_INSPECT := $(wildcard models/mm/inspect*.c models/mm/restore*.c)
MM_SRC := $(filter-out $(MM_INSPECT),$(MM_ALL))
MM_OBJS_cycle := $(patsubst models/mm/%.c,$(O)/mm/cycle/%.o,$(MM_SRC))
MM_OBJS_plain := $(patsubst models/mm/%.c,$(O)/mm/plain/%.o,$(MM_SRC))
MM_OBJS_inspect := $(patsubst models/mm/%.c,$(O)/mm/inspect/%.o,$(MM_INSPECT))

LIBS := $(foreach m,cli calibrate labs teach plugin memtrace validate run plots results workloads hw rt config engine,$(O)/lib/lib$(m).a)
MM_LINK := $(if $(MM_SRC),$(O)/lib/mm_cycle.o $(O)/lib/mm_plain.o $(O)/lib/mm_native.o) \
	$(O)/calibrate/loops_cycle.o $(O)/calibrate/loops_native.o \
	$(if $(MM_INSPECT),$(O)/lib/libmm_inspect.a)
# What loaded policies call must be visible to them (sim/plugin).
LINK = $(CC) $(LDFLAGS_ALL) -Wl,--dynamic-list=sim/plugin/exports.list -o $@ $(1) -Wl,--start-group $(LIBS) $(MM_LINK) -Wl,--end-group $(LDLIBS) $(2)

.PHONY: all
all: $(O)/kmemsim ## build the program

$(O)/kmemsim: $(MAIN_OBJ) $(LIBS) $(MM_LINK)
	$(call say,LINK,$@)
	$(Q)$(call LINK,$(MAIN_OBJ))

$(O)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_HOST) -MMD -MP -c -o $@ $<

$(O)/obj/workloads/import_dat.o $(O)/fuzz/dat: CPPFLAGS += $(shell pkg-config --cflags libtracecmd)
$(O)/obj/workloads/capture_tracefs.o: CPPFLAGS += $(shell pkg-config --cflags libtracefs)

# The hottest code of cycle timing, in debug builds too.
$(O)/obj/sim/engine/hooks.o: CFLAGS_HOST += -O2 $(if $(IS_CLANG),,-Wno-builtin-declaration-mismatch)

$(O)/obj/gen/%.o: $(O)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_HOST) -MMD -MP -c -o $@ $<

$(O)/gen/schema.c: results/schema.sql
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)( echo 'extern const char store_schema_sql[];'; \
	  echo 'const char store_schema_sql[] ='; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $<; echo ';' ) > $@

define ARCHIVE
$(O)/lib/lib$(1).a: $$(OBJS_$(1))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call ARCHIVE,$(m))))

$(O)/mm/cycle/%.o: models/mm/%.c
	$(call say,CC-sim,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_CYCLE) -MMD -MP -c -o $@ $<

$(O)/mm/plain/%.o: models/mm/%.c
	$(call say,CC-mm,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_PLAIN) -MMD -MP -c -o $@ $<

$(O)/mm/inspect/%.o: models/mm/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_COMMON) -O2 -DKMS_FLAVOUR_PLAIN -MMD -MP -c -o $@ $<

# What calibration times, natively and on the simulated machine.
$(O)/calibrate/loops_cycle.o: sim/calibrate/timed/loops.c
	$(call say,CC-sim,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_CYCLE) -MMD -MP -c -o $@ $<
$(O)/calibrate/loops_native.o: sim/calibrate/timed/loops.c
	$(call say,CC-mm,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_PLAIN) -DKMS_FLAVOUR_NATIVE -MMD -MP -c -o $@ $<

# The baseline of the benchmarks and of calibration: the plain flavour without its tracepoints.
$(O)/mm/native/%.o: models/mm/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_PLAIN) -DKMS_FLAVOUR_NATIVE -MMD -MP -c -o $@ $<

# One object per flavour, so that equal names in the two do not meet.
$(O)/lib/mm_%.o:
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -r -o $@ $^ && $(OBJCOPY) --localize-hidden $@
$(O)/lib/mm_cycle.o: $(MM_OBJS_cycle)
$(O)/lib/mm_plain.o: $(MM_OBJS_plain)

$(O)/lib/mm_native.o: $(patsubst models/mm/%.c,$(O)/mm/native/%.o,$(MM_SRC))
	@mkdir -p $(@D)
	$(Q)$(LD) -r -o $@ $^ && $(OBJCOPY) --redefine-sym mm_ops_plain=mm_ops_native --redefine-sym mm_replay_ops=mm_replay_ops_native $@ && $(OBJCOPY) --localize-hidden $@

$(O)/lib/libmm_inspect.a: $(MM_OBJS_inspect)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# What simulated values depend on: runs are taken to be repeated while it stays the same.
MODEL_SRC := $(sort $(wildcard models/*/*.[ch] models/*/*.def sim/engine/*.[ch] sim/run/*.[ch] \
  sim/plugin/*.[ch] include/*/*.h workloads/*.[ch] results/histogram.[ch] results/metrics.def))

# What a run records about its own build. Rewritten only when something changed.
$(O)/gen/build_info.h: FORCE
	@mkdir -p $(@D)
	@printf '#define KMS_VERSION "%s"\n#define KMS_GIT "%s"\n#define KMS_COMPILER "%s"\n#define KMS_SIM_FLAGS "%s"\n#define KMS_MODEL "%s"\n#define KMS_MM_LAYOUT %su\n' \
	  '$(VERSION)' '$(GIT)' "$$($(CC) --version | head -n 1)" '$(MM_CYCLE)' \
	  "$$(cat $(MODEL_SRC) | sha256sum | cut -c1-32)" "$$(cat models/mm/*.h | cksum | cut -d' ' -f1)" > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@
FORCE:
$(OBJS_cli) $(MAIN_OBJ) $(OBJS_results) $(OBJS_run): $(O)/gen/build_info.h

# ---- tests ----

UNIT_SRC := $(wildcard tests/unit/*.c)
PROPERTY_SRC := $(wildcard tests/property/*.c)
UNIT_BIN := $(patsubst tests/%.c,$(O)/tests/%,$(UNIT_SRC) $(PROPERTY_SRC))
BENCH_BIN := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/bench/*.c))

# tests/sim: simulated code of the tests, instrumented like the allocators.
TEST_SIM := $(patsubst tests/sim/%.c,$(O)/tests/sim/%.o,$(wildcard tests/sim/*.c))

$(O)/tests/sim/%.o: tests/sim/%.c
	$(call say,CC-sim,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(MM_CYCLE) -MMD -MP -c -o $@ $<

$(O)/lib/libtestsim.a: $(TEST_SIM)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/tests/%: tests/%.c $(LIBS) $(MM_LINK) $(O)/lib/libtestsim.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_HOST) -MMD -MP -MF $@.d -MT $@ -c -o $@.o $<
	$(Q)$(call LINK,$@.o $(O)/lib/libtestsim.a,-lcmocka)

.PHONY: unit
unit: $(UNIT_BIN)
	$(Q)tests/run.sh $(O) unit

.PHONY: test
test: setup ## install what is missing, build, run every test; ends with "N passed, N failed"
	$(Q)$(MAKE) --no-print-directory all $(UNIT_BIN) $(if $(SKIP_ASAN),,asan-build fuzz-build)
	$(Q)tests/run.sh $(O) all

# The host side once more under sanitizers; the simulated code keeps its flags.
.PHONY: asan-build
asan-build:
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined O=$(O)-asan SKIP_ASAN=1 all asan-tests

.PHONY: asan-tests
asan-tests: $(UNIT_BIN)

# The fuzzers (tests/fuzz) and all they reach, in a build of their own, $(O)-fuzz: libFuzzer
# is part of Clang's run-time libraries. Without them, tests/e2e/fuzz.sh says so.
FUZZ_BIN := $(patsubst tests/fuzz/%_fuzz.c,$(O)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

$(O)/fuzz/%: tests/fuzz/%_fuzz.c $(LIBS) $(MM_LINK)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_HOST) -MMD -MP -MF $@.d -c -o $@.o $<
	$(Q)$(call LINK,$@.o,-fsanitize=fuzzer)

.PHONY: fuzzers
fuzzers: $(FUZZ_BIN)

.PHONY: fuzz-build
fuzz-build:
	$(Q)if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	  clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null; then exit 0; fi; \
	$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined CFLAGS=-O1 \
	  O=$(O)-fuzz fuzzers

.PHONY: soak
soak: PACKAGES += qemu-system-x86 busybox-static cpio gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static \
	clang libclang-rt-dev
soak: setup all $(UNIT_BIN) fuzz-build ## the long tests at full size; FUZZ_SECONDS: for each fuzzer [600]
	$(Q)KMS_SOAK=1 tests/run.sh $(O) all

.PHONY: bench
bench: setup all $(BENCH_BIN) ## speed, as ratios measured in one run
	$(Q)tests/bench/bench.sh $(O)

.PHONY: labs
labs: setup all ## carry out every lab and check each of its numbers
	$(Q)$(O)/kmemsim lab all

.PHONY: validate
validate: setup all ## replay whole recordings: make validate DIRS="DIR ..."
	@test -n "$(DIRS)" || { echo 'usage: make validate DIRS="folders of recordings"' >&2; exit 2; }
	$(Q)status=0; for d in $(DIRS); do $(O)/kmemsim validate $$d || status=$$?; done; exit $$status

.PHONY: demo
demo: setup ## install what is missing, build, run the main experiment, draw the pictures
	$(Q)$(MAKE) --no-print-directory all
	$(Q)configs/demo.sh $(O)/kmemsim

# ---- set-up ----

.PHONY: setup
setup: ## install missing Debian packages (needs root; says which otherwise)
	@missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" != 0 ]; then \
	  echo "kmemsim needs these Debian packages:$$missing" >&2; \
	  echo "install them with: sudo apt-get install$$missing" >&2; exit 2; fi; \
	echo "installing Debian packages:$$missing" >&2; \
	{ apt-get install -y -q --no-install-recommends $$missing || \
	  { apt-get update -q && apt-get install -y -q --no-install-recommends $$missing; }; } >&2

# What include/kmemsim/policy.h includes.
POLICY_HEADERS := $(addprefix models/mm/,kernel.h mm_types.h list.h steps.h tracepoints.h tunables.h \
	steps.def tracepoints.def)

.PHONY: install
install: all ## install the program and its data under PREFIX (default /usr/local)
	install -D -m 755 $(O)/kmemsim $(DESTDIR)$(PREFIX)/bin/kmemsim
	cd configs && find . -name '*.json' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/kmemsim/configs/{} \;
	cd configs && find . -name '*.tsv' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/kmemsim/configs/{} \;
	cd configs && find . -name '*.c' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/kmemsim/configs/{} \;
	for h in kmemsim/policy.h; do install -D -m 644 include/$$h $(DESTDIR)$(PREFIX)/include/$$h; done
	for h in $(POLICY_HEADERS); do install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/kmemsim/$$h; done
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' '' 'Name: kmemsim-policy' \
	  'Description: header for allocator policies of the kmemsim simulator' 'Version: $(VERSION)' \
	  'Cflags: -I$${includedir} -I$${includedir}/kmemsim' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/kmemsim-policy.pc
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(O)/kmemsim help manual > $(DESTDIR)$(PREFIX)/share/man/man1/kmemsim.1
	$(O)/kmemsim help completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/kmemsim
	cd workloads && find . -name '*.kmt' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/kmemsim/workloads/{} \;

.PHONY: uninstall
uninstall: ## remove what install wrote
	rm -f $(DESTDIR)$(PREFIX)/bin/kmemsim $(DESTDIR)$(PREFIX)/lib/pkgconfig/kmemsim-policy.pc \
	  $(DESTDIR)$(PREFIX)/share/man/man1/kmemsim.1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions/kmemsim
	rm -rf $(DESTDIR)$(PREFIX)/share/kmemsim $(DESTDIR)$(PREFIX)/include/kmemsim

.PHONY: docs-figures
docs-figures: all ## draw the tables and pictures of docs/comparing.md anew (minutes)
	docs/make-figures.sh $(O)

.PHONY: docs
docs: all ## bring the generated part of docs/configuration.md up to date
	$(Q)sed -i '/^### experiment/,$$d' docs/configuration.md && $(O)/kmemsim schema --markdown >> docs/configuration.md

.PHONY: lint
lint: all ## rules for simulated code: what it may call, what the compiler may emit
	$(Q)tests/lint.sh $(O)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(O) $(O)-asan $(O)-fuzz

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "  variables: CC=clang  O=DIR  DEBUG=1  SAN=address,undefined  WERROR=1  V=1  PREFIX=DIR"

-include $(shell find $(O) -name '*.d' 2>/dev/null)
