/* drift info: what this program is and what it runs on; or what a model is made of (info_model.c). */
#include <jansson.h>
#include <msgpack.h>
#include <omp.h>
#include <png.h>
#include <stddef.h>
#include <stdio.h>
#include <yaml.h>
#include <zlib.h>

#include "cli/commands.h"
#include "cli/info.h"
#include "drift.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"

struct settings {
    int json;
};

struct package {
    const char *name, *version;
};

enum { PACKAGES = 6 };

static void list_packages(struct package packages[PACKAGES])
{
    static char openmp[16];
    snprintf(openmp, sizeof openmp, "%d", _OPENMP);
    packages[0] = (struct package){"OpenMP", openmp};
    packages[1] = (struct package){"libpng", png_get_libpng_ver(NULL)};
    packages[2] = (struct package){"zlib", zlibVersion()};
    packages[3] = (struct package){"libyaml", yaml_get_version_string()};
    packages[4] = (struct package){"jansson", JANSSON_VERSION};
    packages[5] = (struct package){"msgpack-c", msgpack_version()};
}

static const char *gemm_engine(void) { return drift_gemm_engine_name(drift_gemm_engine_used()); }

static void print_json(const struct package *packages)
{
    json_t *info = json_object(), *list = json_object(), *isas = json_array();
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        if (drift_kernels_of(isa))
            json_array_append_new(isas, json_string(drift_isa_name(isa)));
    for (int i = 0; i < PACKAGES; i++)
        json_object_set_new(list, packages[i].name, json_string(packages[i].version));
    json_object_set_new(info, "version", json_string(drift_version()));
    json_object_set_new(info, "isa", json_string(drift_isa_name(drift_kernels_isa())));
    json_object_set_new(info, "isas", isas);
    json_object_set_new(info, "threads", json_integer(omp_get_max_threads()));
    json_object_set_new(info, "gemm", json_string(gemm_engine()));
    json_object_set_new(info, "packages", list);
    json_dumpf(info, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(info);
}

static void print_text(const struct package *packages)
{
    printf("drift     %s\nisa       %s (available:", drift_version(), drift_isa_name(drift_kernels_isa()));
    for (int isa = 0; isa < DRIFT_ISA_COUNT; isa++)
        if (drift_kernels_of(isa))
            printf(" %s", drift_isa_name(isa));
    printf(")\nthreads   %d\ngemm      %s\npackages ", omp_get_max_threads(), gemm_engine());
    for (int i = 0; i < PACKAGES; i++)
        printf(" %s %s%s", packages[i].name, packages[i].version, i + 1 < PACKAGES ? "," : "\n");
}

static int run(int argc, char **argv)
{
    struct settings settings = {0};
    struct package packages[PACKAGES];
    int status = drift_options_parse(&drift_command_info, &argc, argv, 0, 1, &settings);
    if (status >= 0)
        return status;
    if (argc > 1)
        return drift_info_model(argv[1], settings.json);
    list_packages(packages);
    (settings.json ? print_json : print_text)(packages);
    return DRIFT_EXIT_YES;
}

static const struct drift_option options[] = {
    {"json", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, json), "print one JSON object", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_info = {
    .name = "info",
    .summary = "show what runs here, or what a model is made of",
    .arguments = "[MODEL.safetensors|FOLDER|hf://NAME|RECIPE] [--json]",
    .text =
        "Without a model: the version, the instruction set chosen and those that this machine can run (DRIFT_ISA "
        "forces one), the number of threads (OMP_NUM_THREADS), the engine for matrix products (DRIFT_GEMM) and the "
        "packages in use.\n\n"
        "Of a model (a run's folder, a model file), a released one or a recipe (a .yaml file or a built-in name): the "
        "tree of its parameters with the "
        "numbers in each branch and the shape of each array, and the cost of a forward pass of one sample. The count "
        "is of all that is trained: weights, biases, norms, and the tables of classes, styles and positions; not the "
        "optimiser's moments nor the running means, which are copies. FLOP are those of every operation, a "
        "multiplication and its addition counted as two, the noise not counted. An encoder's pass is of an image of "
        "its data set or, where none is known, of 32 x 32 cells.",
    .options = options,
    .examples = {{"drift info", "a few lines for a bug report"},
                 {"drift info digits-dit", "the model of a built-in recipe"},
                 {"drift info digits/model.safetensors --json", "a model's parameters and FLOP for a program"},
                 {"DRIFT_ISA=c drift info --json", "what runs here for a program, with portable C chosen"}},
    .run = run,
};
