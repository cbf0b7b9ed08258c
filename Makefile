# griot: one Makefile, no recursion. `make help` lists the targets.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' '$(1)' '$(2)')

PREFIX ?= /usr/local
FLAVOUR ?= release
B ?= build/$(FLAVOUR)
CC ?= cc
VERSION := 0.1.0

PKGS := libzmq libczmq libsodium lmdb msgpack jansson inih libzstd libutf8proc ncursesw libmicrohttpd
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wvla -Wcast-qual -Wpointer-arith -Wwrite-strings -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
OPT.release := -O2 -D_FORTIFY_SOURCE=2
OPT.debug := -O0 -g3
OPT.asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT.tsan := -O1 -g -fsanitize=thread
OPT.coverage := -O0 -g --coverage
# Debug information stays, compressed: the program is to stay under 3 MB.
LDOPT.release := -Wl,--compress-debug-sections=zlib
LDOPT.asan := -fsanitize=address,undefined
LDOPT.tsan := -fsanitize=thread
LDOPT.coverage := --coverage
WERROR ?=
CPPFLAGS += -D_GNU_SOURCE -DGRIOT_VERSION='"$(VERSION)"' -I. -isystem /usr/include $(BUG)
CFLAGS += -std=c11 -g $(OPT.$(FLAVOUR)) $(HARDEN) $(WARN) $(WERROR)
LDFLAGS += -pie -Wl,-z,relro,-z,now $(LDOPT.$(FLAVOUR))
# Looked up when linking: on a bare machine the packages are installed by the same run of make.
LIBS = $(shell pkg-config --libs $(PKGS)) -lm -lpthread

# Rooms: each is one archive; the order of linking is the order of the arrows.
SRC.proto := $(wildcard proto/*.c)
SRC.record := $(wildcard proto/record/*.c)
SRC.crypto := $(wildcard crypto/*.c)
SRC.store := $(wildcard store/*.c store/index/*.c)
SRC.engine := $(wildcard node/engine/*.c)
SRC.import := $(wildcard node/import/*.c)
SRC.net := $(wildcard node/net/*.c)
SRC.node := $(filter-out node/main.c,$(wildcard node/*.c)) $(wildcard node/core/*.c) $(wildcard node/cli/*.c)
ROOMS := node import net engine store record crypto proto
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
lib = $(B)/lib/lib$(1).a
ALL_LIBS := $(foreach r,$(ROOMS),$(call lib,$(r)))

UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
SIM := $(B)/sim/sim
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(wildcard tests/fuzz/fuzz_*.c))
TEST_LIB := $(call lib,test)

.PHONY: all demo test check build-check unit sim fuzz e2e bench torture asan tsan valgrind coverage analyze tidy format format-check lint install clean help deps

all: $(B)/griot ## the program, its catalogues

$(B)/griot: $(call obj,node/main.c) $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(ALL_LIBS) $(LIBS)

define room_rule
$(call lib,$(1)): $(call obj,$(SRC.$(1)))
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
-include $(patsubst %.c,$(B)/obj/%.d,$(SRC.$(1)))
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# What deploy/packages.txt names and this machine lacks is installed first; NO_DEPS=1 when a packager has seen to it.
DEPS := $(if $(NO_DEPS),,build/packages-installed)
build/packages-installed: deploy/packages.txt deploy/deps.sh
	$(Q)deploy/deps.sh
	$(Q)mkdir -p $(@D) && touch $@
deps: $(DEPS) ## installs what deploy/packages.txt names

$(B)/obj/%.o: %.c | $(DEPS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(TEST_LIB): $(call obj,$(wildcard tests/lib/*.c))
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^

# A unit test links only what it needs: the linker takes from the archives what is referred to.
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(TEST_LIB) $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< $(TEST_LIB) $(ALL_LIBS) -lcmocka $(LIBS) $(WRAP.$*)
-include $(patsubst tests/%.c,$(B)/obj/tests/%.d,$(wildcard tests/*/*.c))

# ---- the simulator: links the very engine objects that the daemon links, and nothing of the store but validity ----
SIM_PARTS := $(call obj,$(wildcard tests/sim/*.c) tests/lib/rng.c store/validity.c) $(call lib,engine) $(call lib,crypto) $(call lib,proto)
$(SIM): $(SIM_PARTS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(SIM_PARTS) $(LIBS)
# -------------------------------------------------------------------------------------------------------------------

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(TEST_LIB) $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< $(ALL_LIBS) $(TEST_LIB) $(ALL_LIBS) -lcmocka $(LIBS)

# A member that misbehaves, for tests/e2e.
MEMBER := $(B)/e2e/member
$(MEMBER): $(B)/obj/tests/e2e/member.o $(ALL_LIBS) | $(B)/e2e/clock.so
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< $(ALL_LIBS) $(LIBS)

# One mitigation taken out (crypto/SECURITY.md): make WITHOUT=GRIOT_WITHOUT_T09_SIGNATURE B=... .../without/GRIOT_WITHOUT_T09_SIGNATURE/griot. Only the file that mentions
# it is compiled again; it comes first, so that the linker does not take the one in the archive.
ifdef WITHOUT
W := $(B)/without/$(WITHOUT)
W_OBJ := $(patsubst %.c,$(W)/obj/%.o,$(shell grep -rlw --include=*.c '$(WITHOUT)' proto crypto store node))
$(W)/obj/%.o: %.c
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -D$(WITHOUT) $(CFLAGS) -c -o $@ $<
$(W)/griot: $(W_OBJ) $(call obj,node/main.c) $(ALL_LIBS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(W_OBJ) $(call obj,node/main.c) $(ALL_LIBS) $(LIBS)
$(W)/sim/sim: $(W_OBJ) $(SIM_PARTS)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $(W_OBJ) $(filter-out $(patsubst $(W)/%,$(B)/%,$(W_OBJ)),$(SIM_PARTS)) $(LIBS)
$(W)/unit/%: $(B)/obj/tests/unit/%.o $(W_OBJ) $(TEST_LIB) $(ALL_LIBS)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< $(W_OBJ) $(TEST_LIB) $(ALL_LIBS) -lcmocka $(LIBS) $(WRAP.$*)
endif

# Another time of day for unchanged programs, for tests/e2e.
$(B)/e2e/clock.so: tests/e2e/clock.c
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -std=c11 -O2 -fPIC -shared $(WARN) $(WERROR) -o $@ $<

# Corpora are replayed under any compiler; real fuzzing needs clang: make fuzz.
$(B)/replay/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/replay.o $(ALL_LIBS) $(LIBS)
FUZZ.fuzz_bundle := node/bundle_reader.c # what a target needs beyond proto and crypto
FUZZ.fuzz_carried := $(addprefix node/,proposal.c proposal_changes.c region_file.c file.c text_file.c root_key.c) $(addprefix store/,folder.c lineage.c membership.c)
$(B)/fuzz/%: tests/fuzz/%.c $(SRC.proto) $(SRC.record) | $(DEPS)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && clang -g -O1 -std=c11 $(CPPFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZ.$*) $(SRC.proto) $(SRC.record) $(SRC.crypto) $(LIBS)

build-check: all $(UNIT) $(REPLAY)

unit: $(UNIT) ## unit tests
	@tests/run.sh $(B) unit
check test: WERROR = -Werror
check: build-check ## builds with warnings as errors, proves the architecture, runs unit tests and fuzz corpora: before every commit
	@tests/run.sh $(B) lint unit fuzz
sim: $(SIM) ## simulated regions
	@tests/run.sh $(B) sim
e2e: all $(MEMBER) ## real processes
	@tests/run.sh $(B) e2e
fuzz: $(FUZZ) ## libFuzzer, a minute a decoder (needs clang)
	@for t in $(FUZZ); do echo $$t; $$t -max_total_time=$(or $(SECONDS_EACH),60) -print_final_stats=0 tests/fuzz/corpus/$$(basename $$t | sed s/fuzz_//) || exit 1; done
torture: all $(SIM) $(MEMBER) $(if $(shell command -v clang),$(FUZZ)) ## HOURS=n: fresh seeds, kills, faults and fuzzers, again and again (tests/README.md)
	@bash tests/torture.sh $(B) $(or $(HOURS),1)
test: build-check $(SIM) $(MEMBER) ## everything that continuous integration runs
	@tests/run.sh $(B) lint unit fuzz sim e2e
bench: all $(BENCH) ## figures, one JSON line each
	@for t in $(BENCH); do $$t || exit 1; done
	@for t in tests/bench/*.sh; do [ -e $$t ] && bash $$t $(B) || true; done
demo: all ## two hubs and four offices on this machine (ALL=1: all 24)
	@deploy/demo.sh $(B)
lint: all ## arrows between folders, translations, deploy
	@tests/run.sh $(B) lint
asan: ## unit tests and corpora under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory FLAVOUR=asan build-check && tests/run.sh build/asan unit fuzz
tsan: ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory FLAVOUR=tsan build-check && tests/run.sh build/tsan unit
valgrind: build-check ## unit tests under valgrind
	@for t in $(UNIT); do valgrind -q --error-exitcode=1 --leak-check=full $$t || exit 1; done
coverage: ## lines of each file that the unit tests run
	@$(MAKE) --no-print-directory FLAVOUR=coverage build-check && tests/run.sh build/coverage unit
	@for f in $(foreach r,$(ROOMS),$(SRC.$(r))); do gcov -n -o build/coverage/obj/$$(dirname $$f) $$f 2>/dev/null | grep -A1 "^File '$$f'" | grep -o '[0-9.]*% of .*' | sed "s|$$|  $$f|"; done | sort -n
analyze: ## gcc -fanalyzer
	@$(MAKE) --no-print-directory B=build/analyze CC=gcc CFLAGS="-std=c11 -O1 -fanalyzer $(WARN)" all
tidy: ## clang-tidy
	clang-tidy --quiet $(foreach r,$(ROOMS),$(SRC.$(r))) -- $(CPPFLAGS) -std=c11
format: ## clang-format, in place
	clang-format -i $$(git ls-files '*.c' '*.h')
format-check: ## is everything formatted
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

# ---- what is installed ----
install: all ## into DESTDIR and PREFIX
	install -D -m 755 $(B)/griot $(DESTDIR)$(PREFIX)/bin/griot
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/griot/mappings deploy/mappings/*.ini
	install -D -m 644 deploy/griot.ini $(DESTDIR)$(PREFIX)/share/griot/griot.ini

# ---- languages, manual page, completion, installation (node/po, node/cli) --------------------------------------------------------------------------------------------------
LANGUAGES := $(patsubst node/po/%.po,%,$(wildcard node/po/*.po))
MO := $(foreach l,$(LANGUAGES),$(B)/locale/$(l)/LC_MESSAGES/griot.mo)
MAN := $(B)/man/man1/griot.1 $(foreach l,$(LANGUAGES),$(B)/man/$(l)/man1/griot.1)
.PHONY: man install-files

all: $(MO)
$(UNIT): | $(MO)

$(B)/locale/%/LC_MESSAGES/griot.mo: node/po/%.po | $(DEPS)
	$(call say,MSGFMT,$<)
	$(Q)mkdir -p $(@D) && msgfmt -o $@ $<

# The manual page and the completion are printed by the program from its table of commands.
man: $(MAN) $(B)/griot.bash
$(B)/man/man1/griot.1: $(B)/griot
	$(Q)mkdir -p $(@D) && $(B)/griot manual --lang en >$@
$(B)/man/%/man1/griot.1: $(B)/griot $(MO)
	$(Q)mkdir -p $(@D) && $(B)/griot manual --lang $* >$@
$(B)/griot.bash: $(B)/griot
	$(Q)$(B)/griot completion bash --lang en >$@

# DESTDIR and PREFIX as usual; nothing is enabled or started (deploy/README.md says how).
install: install-files
install-files: all man
	for l in $(LANGUAGES); do install -D -m 644 $(B)/locale/$$l/LC_MESSAGES/griot.mo $(DESTDIR)$(PREFIX)/share/locale/$$l/LC_MESSAGES/griot.mo && \
		install -D -m 644 $(B)/man/$$l/man1/griot.1 $(DESTDIR)$(PREFIX)/share/man/$$l/man1/griot.1; done
	install -D -m 644 $(B)/man/man1/griot.1 $(DESTDIR)$(PREFIX)/share/man/man1/griot.1
	install -D -m 644 $(B)/griot.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/griot
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/bin/griot|$(PREFIX)/bin/griot|' deploy/griot@.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/griot@.service
# ----------------------------------------------------------------------------------------------------------------------------------------------------------------------------

clean: ## removes build/
	rm -rf build
