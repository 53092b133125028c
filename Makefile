# libdrift: `make help` lists what can be made.
#
#   src/       compiled once; src/cpu/ twice (real = float and double)
#   ref/       compiled twice, plain loops: the _ref kernels and the double oracle _f64
#   simd/      compiled once per ISA that the target architecture can have, into symbols with that suffix
# Everything made is below $(BUILD). Every folder above is read by wildcard: a new file needs no line here.

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
MACHINE := $(shell $(CC) -dumpmachine)

STRICT = -std=c99 -pedantic -Wall -Wextra -ffp-contract=off $(if $(CI),-Werror)
POSIX = -D_POSIX_C_SOURCE=200809L
ALL_CFLAGS = $(STRICT) $(POSIX) $(OPT) -fPIC -fvisibility=hidden -fopenmp -MMD -MP -Isrc -I. $(SANITIZE) $(CFLAGS)
PACKAGES = libpng zlib yaml-0.1 jansson
LIBS = $(LDFLAGS) $(SANITIZE) -fopenmp $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lblis -lm
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)

ifneq ($(filter x86_64% amd64%,$(MACHINE)),)
ISAS = c avx2 avx512
else ifneq ($(filter aarch64% arm64%,$(MACHINE)),)
ISAS = c neon
else
ISAS = c
endif
FLAGS_c =
FLAGS_avx2 = -mavx2 -mfma
FLAGS_avx512 = -mavx512f -mavx512dq -mavx2 -mfma
FLAGS_neon =

SRC = $(filter-out src/cpu/% src/cli/%,$(wildcard src/*/*.c))
LIB_OBJ = $(SRC:%.c=$(BUILD)/obj/%.o) \
    $(foreach p,f32 f64,$(patsubst %.c,$(BUILD)/obj/%.$(p).o,$(wildcard src/cpu/*.c))) \
    $(foreach p,ref f64,$(patsubst %.c,$(BUILD)/obj/%.$(p).o,$(wildcard ref/*.c))) \
    $(foreach isa,$(ISAS),$(patsubst %.c,$(BUILD)/obj/%.$(isa).o,$(wildcard simd/*.c)))
CLI_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard src/cli/*.c))
KERNEL_CHECK_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/kernel/*.c))
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))

all: $(BUILD)/drift $(BUILD)/libdrift.a $(BUILD)/libdrift.so

$(BUILD)/drift: $(CLI_OBJ) $(KERNEL_CHECK_OBJ) $(BUILD)/libdrift.a
	$(CC) -o $@ $^ $(LIBS)
$(BUILD)/libdrift.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/libdrift.so: $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,libdrift.so.0 -o $@ $^ $(LIBS)
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(KERNEL_CHECK_OBJ) $(BUILD)/libdrift.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LIBS) $(shell $(PKG_CONFIG) --libs check)

# One rule per way of compiling; OPTION is what that way adds.
COMPILE = @mkdir -p $(@D); $(if $(V),set -x;,echo CC $@;) $(CC) $(ALL_CFLAGS) $(PACKAGE_CFLAGS) $(OPTION) -c -o $@ $<
$(BUILD)/obj/%.o: %.c
	$(COMPILE)
$(BUILD)/obj/src/cpu/%.f32.o: OPTION =
$(BUILD)/obj/src/cpu/%.f32.o: src/cpu/%.c
	$(COMPILE)
$(BUILD)/obj/src/cpu/%.f64.o: OPTION = -DDRIFT_CPU_F64
$(BUILD)/obj/src/cpu/%.f64.o: src/cpu/%.c
	$(COMPILE)
$(BUILD)/obj/ref/%.ref.o: OPTION =
$(BUILD)/obj/ref/%.ref.o: ref/%.c
	$(COMPILE)
$(BUILD)/obj/ref/%.f64.o: OPTION = -DDRIFT_REF_F64
$(BUILD)/obj/ref/%.f64.o: ref/%.c
	$(COMPILE)
define ISA_RULE
$(BUILD)/obj/simd/%.$(1).o: OPTION = -O3 -DDRIFT_ISA_$(1) $(FLAGS_$(1))
$(BUILD)/obj/simd/%.$(1).o: simd/%.c
	$$(COMPILE)
endef
$(foreach isa,$(ISAS),$(eval $(call ISA_RULE,$(isa))))

clean:
	rm -rf $(BUILD)

.PHONY: all clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
