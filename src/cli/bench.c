/* drift bench: the benchmarks of src/bench, and the timing of every kernel by its own check. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/peak.h"
#include "cli/commands.h"
#include "tests/kernel/check.h"

struct settings {
    int json;
    int64_t threads;
    double seconds;
    const char *only;
};

static drift_status bench_kernels(const struct drift_bench_options *options)
{
    const struct drift_check_options check = {
        .timing = 1,
        .json = options->json,
        .flops = drift_peak_flops(1),
        .bandwidth = drift_peak_bandwidth(1, (size_t)64 << 20),
    };
    return drift_check_kernels(&check) ? drift_fail(DRIFT_INVALID, "bench kernels: a kernel failed") : DRIFT_OK;
}

static const struct {
    const char *name;
    drift_status (*run)(const struct drift_bench_options *options);
} benches[] = {
    {"kernels", bench_kernels}, {"gemm", drift_bench_gemm},   {"attention", drift_bench_attention},
    {"rows", drift_bench_rows}, {"field", drift_bench_field}, {"encoder", drift_bench_encoder},
    {"dit", drift_bench_dit},   {"toy", drift_bench_toy},
};

enum { BENCHES = sizeof benches / sizeof *benches };

static int run_named(const char *name, const struct drift_bench_options *options)
{
    for (int i = 0; i < BENCHES; i++)
        if (!strcmp(name, benches[i].name))
            return benches[i].run(options) ? drift_error_kept() : DRIFT_EXIT_YES;
    return drift_error("bench: unknown benchmark \"%s\"; see \"drift help bench\"", name);
}

static int run(int argc, char **argv)
{
    struct settings settings = {0};
    int status = drift_options_parse(&drift_command_bench, &argc, argv, 0, BENCHES, &settings);
    if (status >= 0)
        return status;
    struct drift_bench_options options = {settings.json, (int)settings.threads, settings.seconds, settings.only};
    status = DRIFT_EXIT_YES;
    for (int i = 1; i < argc && !status; i++)
        status = run_named(argv[i], &options);
    for (int i = 0; argc < 2 && i < BENCHES && !status; i++) {
        status = run_named(benches[i].name, &options);
        printf("\n");
        fflush(stdout);
    }
    return status;
}

static const struct drift_option options[] = {
    {"json", NULL, DRIFT_OPTION_FLAG, offsetof(struct settings, json), "print a JSON object for each benchmark", 0, 0},
    {"threads", "N", DRIFT_OPTION_INTEGER, offsetof(struct settings, threads),
     "how many threads (default: OMP_NUM_THREADS, or all)", 1, 1024},
    {"seconds", "S", DRIFT_OPTION_NUMBER, offsetof(struct settings, seconds), "for each figure (default: 0.25)", 0.001,
     1e4},
    {"only", "WORD", DRIFT_OPTION_TEXT, offsetof(struct settings, only),
     "figures with this word in their name (default: all; kernels and toy have none)", 0, 0},
    {NULL, NULL, DRIFT_OPTION_FLAG, 0, NULL, 0, 0},
};

const struct drift_command drift_command_bench = {
    .name = "bench",
    .summary =
        "time kernels, products, attention, rows, the field, the encoder, the generator and the demo against this "
        "machine's peak",
    .arguments = "[kernels|gemm|attention|rows|field|encoder|dit|toy]... [options]",
    .text =
        "Prints times, and the fraction of what this machine itself reaches in the same run: fused multiply-adds in "
        "registers for products, bandwidth for the rest. Without a name, all benchmarks run.",
    .options = options,
    .examples = {{"drift bench toy", "one training step of the 2D demo"},
                 {"OMP_NUM_THREADS=1 drift bench gemm --json", "matrix products on one thread, beside BLIS"},
                 {"drift bench dit --only forward", "DiT-B/2's forward pass alone"},
                 {"DRIFT_ISA=avx2 drift bench kernels", "every kernel with AVX2"}},
    .run = run,
};
