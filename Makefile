# libdrift: `make help` lists what can be made.
#
#   src/       compiled once; src/cpu/ twice (real = float and double)
#   ref/       compiled twice: the plain _ref kernels in float, and the double oracle _f64
#   simd/      compiled once per ISA that the target architecture can have, into symbols with that suffix
# Every folder is read by wildcard: a new file needs no line here. All that is made lies below $(BUILD).

VERSION = 0.1.0
PREFIX ?= /usr/local
BUILD ?= build
ifeq ($(origin CC),default)
CC = gcc
endif
PKG_CONFIG ?= pkg-config
OPT ?= -O2 -g
CFLAGS ?=
SANITIZE ?=
SIMD_OPT ?= -O3

# The one place that says which language and system the code asks for.
STRICT = -std=c99 -pedantic -Wall -Wextra -ffp-contract=off $(if $(CI),-Werror)
POSIX = -D_POSIX_C_SOURCE=200809L
PACKAGES = libpng zlib yaml-0.1 jansson msgpack
PACKAGE_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
ALL_CFLAGS = $(STRICT) $(POSIX) $(OPT) -fPIC -fvisibility=hidden -fopenmp -MMD -MP -Isrc -I. $(SANITIZE) $(CFLAGS)
LIBS = $(LDFLAGS) $(SANITIZE) -fopenmp $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lblis -lm

MACHINE := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))
ISAS = c $(if $(filter x86_64% amd64%,$(MACHINE)),avx2 avx512) $(if $(filter aarch64% arm64%,$(MACHINE)),neon)
FLAGS_avx2 = -mavx2 -mfma
FLAGS_avx512 = -mavx2 -mfma -mavx512f -mavx512dq
SONAME = $(if $(findstring darwin,$(MACHINE)),-install_name libdrift.so.0,-Wl,-soname,libdrift.so.0)

in_twice = $(foreach p,$(1),$(patsubst %.c,$(BUILD)/obj/%.$(p).o,$(wildcard $(2)/*.c)))
LIB_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out src/cpu/% src/cli/%,$(wildcard src/*/*.c))) \
    $(call in_twice,f32 f64,src/cpu) $(call in_twice,ref f64,ref) $(call in_twice,$(ISAS),simd)
CLI_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard src/cli/*.c))
CHECK_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/kernel/*.c))
UNIT_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/support/*.c))
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))

all: $(BUILD)/drift $(BUILD)/libdrift.a $(BUILD)/libdrift.so ## the program and both libraries, in build/

$(BUILD)/drift: $(CLI_OBJ) $(CHECK_OBJ) $(BUILD)/libdrift.a
	@echo LINK $@; $(CC) -o $@ $^ $(LIBS)
$(BUILD)/libdrift.a: $(LIB_OBJ)
	@rm -f $@; echo AR $@; $(AR) rcs $@ $^
$(BUILD)/libdrift.so: $(LIB_OBJ)
	@echo LINK $@; $(CC) -shared $(SONAME) -o $@ $^ $(LIBS)
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(UNIT_OBJ) $(CHECK_OBJ) $(BUILD)/libdrift.a
	@mkdir -p $(@D); echo LINK $@; $(CC) -o $@ $^ $(LIBS) $(shell $(PKG_CONFIG) --libs check)

# One recipe; OPTION is what a way of compiling adds. V=1 shows the whole line.
COMPILE = @mkdir -p $(@D); $(if $(V),set -x;,echo CC $@;) $(CC) $(ALL_CFLAGS) $(PACKAGE_CFLAGS) $(OPTION) -c -o $@ $<
$(BUILD)/obj/%.o: %.c
	$(COMPILE)
define VARIANT # $(1) folder, $(2) suffix, $(3) options
$(BUILD)/obj/$(1)/%.$(2).o: OPTION = $(3)
$(BUILD)/obj/$(1)/%.$(2).o: $(1)/%.c
	$$(COMPILE)
endef
$(eval $(call VARIANT,src/cpu,f32,))
$(eval $(call VARIANT,src/cpu,f64,-DDRIFT_CPU_F64))
$(eval $(call VARIANT,ref,ref,))
$(eval $(call VARIANT,ref,f64,-DDRIFT_REF_F64))
$(foreach isa,$(ISAS),$(eval $(call VARIANT,simd,$(isa),$(SIMD_OPT) -DDRIFT_ISA_$(isa) $(FLAGS_$(isa)))))
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- what the machine must have: Debian packages ----

DEPS = gcc libc6-dev make pkg-config libblis-openmp-dev libpng-dev zlib1g-dev libyaml-dev libjansson-dev libmsgpack-dev
DEPS_CHECK = check qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross clang libclang-rt-14-dev libomp-14-dev \
    bochs bochs-term isolinux syslinux-common genisoimage cpio bsdutils
DEPS_ARM64 = libblis-openmp-dev:arm64 libpng-dev:arm64 zlib1g-dev:arm64 libyaml-dev:arm64 libjansson-dev:arm64 \
    libmsgpack-dev:arm64

deps: $(if $(filter check,$(MAKECMDGOALS)),deps-check) ## install what building needs (Debian packages), where missing
	@sh tests/support/deps.sh $(DEPS)
deps-check: ## install what the tests need beside: emulators, the cross compiler, clang
	@sh tests/support/deps.sh $(DEPS) $(DEPS_CHECK) $(if $(filter x86_64%,$(MACHINE)),$(DEPS_ARM64))
ifneq ($(filter deps deps-check,$(MAKECMDGOALS)),)
$(LIB_OBJ) $(CLI_OBJ) $(CHECK_OBJ) $(UNIT_OBJ) kernels-arm64 arm64: | $(if $(filter check,$(MAKECMDGOALS)),deps-check) $(filter deps deps-check,$(MAKECMDGOALS))
endif

# ---- what a person runs ----

demo: $(BUILD)/drift ## train on the built-in digits and write demo/report.html (under a minute)
	$(BUILD)/drift train data/recipes/digits.yaml --out demo
bench: $(BUILD)/drift ## time kernels, products, the field, encoder, generator and demo against this machine's peak
	$(BUILD)/drift bench

# ---- tests ----

check: all $(UNIT) $(BUILD)/static/kernels kernels-arm64 arm64 ## build and run every test, every ISA natively or emulated
	@BUILD=$(BUILD) sh tests/run.sh
check-fast: all $(UNIT) ## the tests that take seconds, natively only
	@BUILD=$(BUILD) FAST=1 sh tests/run.sh
# clang, because gcc takes minutes a file to instrument the sixteen lanes of portable C.
CLANG_OMP = LDFLAGS=-L/usr/lib/llvm-14/lib
SANITIZED = $(MAKE) --no-print-directory BUILD=build/$@ CC=clang OPT='-O1 -g' SIMD_OPT='-O1 -DDRIFT_SIMD_CALLS' $(CLANG_OMP) check-fast
ADDRESS = -fsanitize=address -fno-omit-frame-pointer
UNDEFINED = -fsanitize=undefined -fno-sanitize-recover=all
asan sanitize: export LSAN_OPTIONS = suppressions=$(CURDIR)/tests/support/lsan.supp:print_suppressions=0
asan: ## the fast tests under AddressSanitizer (leaks included)
	+@$(SANITIZED) SANITIZE='$(ADDRESS)'
ubsan: ## the fast tests under UndefinedBehaviorSanitizer
	+@$(SANITIZED) SANITIZE='$(UNDEFINED)'
sanitize: ## the fast tests under both in one build, as .ci/run does
	+@$(SANITIZED) SANITIZE='$(ADDRESS) $(UNDEFINED)'
tsan: ## the fast tests under ThreadSanitizer (clang, with OpenMP's own race checker Archer)
	+@TSAN_OPTIONS='ignore_noninstrumented_modules=1' OMP_TOOL_LIBRARIES=/usr/lib/llvm-14/lib/libarcher.so \
	$(SANITIZED) SANITIZE=-fsanitize=thread
coverage: ## lines that the fast tests run, by folder, but for those that sanitizers leave out too
	@find build/coverage -name '*.gcda' -delete 2>/dev/null; \
	$(MAKE) --no-print-directory BUILD=build/coverage OPT='-O1 -g' SIMD_OPT=-O1 SANITIZE=--coverage check-fast
	@sh tests/support/coverage.sh build/coverage

arm64: | kernels-arm64 ## the whole program for arm64, in build/arm64 (runs here under qemu-aarch64)
	@PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig \
	$(MAKE) --no-print-directory BUILD=build/arm64 CC=aarch64-linux-gnu-gcc build/arm64/drift

ulp: $(BUILD)/unit/ulp ## measure the largest error of exp, log, sin, cos, tanh, erf over every float (minutes)
	$< --all

# ---- every ISA: the kernels and their checks alone, static, without any library: what an emulator runs ----

KERNEL_OBJ = $(filter-out %/blis.o,$(filter $(addprefix $(BUILD)/obj/,src/kernel/% src/base/% ref/% simd/%),$(LIB_OBJ)))
$(BUILD)/static/kernels: $(BUILD)/obj/tests/unit/kernels.o $(CHECK_OBJ) $(KERNEL_OBJ)
	@mkdir -p $(@D); echo LINK $@; $(CC) -static -o $@ $^ $(SANITIZE) -fopenmp -lm
kernels-arm64:
	@$(MAKE) --no-print-directory BUILD=build/arm64 CC=aarch64-linux-gnu-gcc build/arm64/static/kernels
check-isa: $(BUILD)/static/kernels kernels-arm64 ## the kernels on every ISA, natively or emulated (EMULATE=1: emulated)
	@BUILD=$(BUILD) sh tests/isa/run.sh

# ---- installing ----

$(BUILD)/man/drift.1: $(BUILD)/drift
	@mkdir -p $(@D); $(BUILD)/drift help --man > $@
	@for c in $$($(BUILD)/drift help --list); do $(BUILD)/drift help --man $$c > $(@D)/drift-$$c.1 || exit 1; done
man: $(BUILD)/man/drift.1 ## manual pages, from the program's own help

install: all man ## install program, libraries, header, pkg-config file, manual and data below PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/libdrift
	install $(BUILD)/drift $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libdrift.a $(DESTDIR)$(PREFIX)/lib
	install $(BUILD)/libdrift.so $(DESTDIR)$(PREFIX)/lib/libdrift.so.$(VERSION)
	ln -sf libdrift.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libdrift.so.0
	ln -sf libdrift.so.0 $(DESTDIR)$(PREFIX)/lib/libdrift.so
	install -m 644 src/drift.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	cp -R data/. $(DESTDIR)$(PREFIX)/share/libdrift
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: libdrift' 'Description: Generative Modeling via Drifting' 'Version: $(VERSION)' \
	    'Requires.private: $(PACKAGES)' 'Libs: -L$${prefix}/lib -ldrift' 'Libs.private: -fopenmp -lblis -lm' \
	    'Cflags: -I$${prefix}/include' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/libdrift.pc

# ---- housekeeping ----

format: ## lay the C files out as .clang-format says, but for simd/vec*.h: tables, by hand
	clang-format -i $(filter-out simd/vec%,$(shell git ls-files '*.c' '*.h'))
clean: ## remove all that was made
	rm -rf build demo
help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: all deps deps-check demo bench check ulp check-fast asan ubsan sanitize tsan coverage arm64 kernels-arm64 check-isa man install format clean help
.DELETE_ON_ERROR:
.SECONDARY:
