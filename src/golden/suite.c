/* The graded set and its README. */
#include "golden/suite.h"

#include <stdio.h>
#include <string.h>

#include "golden/generate.h"
#include "io/file.h"

static const struct grade {
    const char *name, *kind, *config; /* config: keys laid over the kind's defaults */
    const char *what;                 /* what a port that passes has right */
    int small;                        /* a JSON copy can be read by a person */
} grades[] = {
    {"one_positive", "drift_exact", "{\"shape\": {\"generated\": 1, \"positives\": 1, \"negatives\": 0, \"dim\": 2}}",
     "one generated sample and one positive: V is their difference", 1},
    {"attraction", "drift_exact", "{\"self\": \"none\", \"repulsion\": 0.0}", "the softmax over the positives", 1},
    {"exact", "drift_exact", "{}", "repulsion, the masked self, weights of negatives", 1},
    {"joint", "drift_joint", "{}", "Algorithm 2: both softmaxes over both sides", 1},
    {"one_temperature", "drift_normalized",
     "{\"taus\": [0.2], \"shape\": {\"batches\": 1, \"generated\": 5, \"positives\": 4, \"negatives\": 0, \"dim\": 3}}",
     "the released loss, one temperature and one class", 1},
    {"normalized", "drift_normalized", "{}", "temperatures summed, one scale for all classes, weights", 1},
    {"guidance", "cfg", "{}", "guidance scales, and the weight of the unconditional negatives", 1},
    {"queue", "queue", "{}", "rings of real samples", 1},
    {"schedule", "schedule", "{}", "warm-up and cosine", 1},
    {"features", "drift_features", "{}", "features, locations as batches, guidance, the clip", 0},
    {"convolution", "conv", "{}", "zeros on all four sides at stride 2", 1},
    {"group_norm", "group_norm", "{}", "population variance, groups of neighbours", 1},
    {"resize", "resize", "{}", "half-pixel centres, antialiased where it shrinks", 1},
    {"rotary", "dit_rope", "{}", "rotary embedding in halves", 1},
    {"dit_plain", "dit",
     "{\"model\": {\"depth\": 1, \"use_qknorm\": false, \"use_swiglu\": false, \"use_rope\": false, \"use_rmsnorm\": "
     "false, \"n_cls_tokens\": 0}}",
     "the generator with every switch off", 0},
    {"dit", "dit", "{}", "the generator as published, small", 0},
    {"encoder_features", "features", "{}", "the encoder's dictionary of features", 0},
    {"autoencoder", "mae_forward", "{}", "the masked autoencoder and every gradient", 0},
    {"autoencoder_loss", "mae_loss", "{}", "masks from draws, the loss of each image", 0},
    {"convnext", "convnext", "{}", "the second encoder", 0},
    {"autoencoder_steps", "mae_train", "{}", "AdamW, the clip, the schedule, the running mean", 0},
    {"steps_without_encoder", "train_step",
     "{\"feature\": null, \"activation_kwargs\": {\"has_scale\": true}, \"model\": {\"input_size\": 8}}",
     "a whole training step on raw pixels", 0},
    {"steps", "train_step", "{}", "a whole training step through the frozen encoder", 0},
};
enum { GRADES = sizeof grades / sizeof *grades };

int drift_golden_suite_case(int i, const char **kind, const char **config)
{
    if (i < 0 || i >= GRADES)
        return 0;
    *kind = grades[i].kind;
    *config = grades[i].config;
    return 1;
}

static const char readme[] =
    "# Golden values for a port of drifting models\n"
    "\n"
    "Each case is a small problem with every number given: inputs (`in/...`, `param/...`, `mae/...`; float32 and "
    "int32)\n"
    "and results (`out/...`, `grad/...`), computed in double precision by libdrift. Work from the first to the last: "
    "a\n"
    "case uses what the cases before it have checked. `docs/golden.md` of libdrift says what every kind and tensor "
    "is.\n"
    "\n"
    "Metadata: `kind`, `config` (JSON: every setting of the case), `case`, `source`, `note`. `config.atol` holds a "
    "bound\n"
    "for each result: the root mean square of your error should not exceed it. It is four times the worst change over\n"
    "eight runs whose inputs were multiplied by 1 + 2^-24 or 1 - 2^-24 at random, and never less than 2^-20 of the\n"
    "result's rms (2^-16 for the autoencoder and its features, where a ReLU may flip at its kink; 1e-3 in whole "
    "steps,\n"
    "where AdamW divides by what is nearly nothing): what float32 cannot help. Decisions must be the same.\n"
    "\n"
    "1. Read a case, run your code on its inputs, write your results under the same names (`out/V`, ...) to an .npz "
    "or\n"
    "   .safetensors file.\n"
    "2. `drift golden compare MINE.npz CASE.safetensors` shows each tensor's worst element, error and bound.\n"
    "3. `drift golden diagnose MINE.npz CASE.safetensors` tells which known mistake gives your numbers.\n"
    "\n"
    "Every .npz holds the tensors of the .safetensors beside it, and the metadata as the bytes `metadata`; the .json "
    "of\n"
    "small cases holds all of it as text, numbers row major.\n"
    "\n"
    "## Reading and writing a case\n"
    "\n"
    "Python (NumPy alone):\n"
    "\n"
    "    import json, numpy as np\n"
    "    case = np.load('03_exact.npz')\n"
    "    config = json.loads(json.loads(bytes(case['metadata']))['config'])\n"
    "    gen, pos, neg = case['in/gen'], case['in/pos'], case['in/neg']\n"
    "    np.savez('mine.npz', **{'out/V': v, 'out/loss': loss, 'grad/gen': gradient})\n"
    "\n"
    "JAX:\n"
    "\n"
    "    gen = jax.numpy.asarray(case['in/gen'])             # float32; jax_default_matmul_precision = 'highest' on "
    "TPUs\n"
    "    np.savez('mine.npz', **{'out/V': np.asarray(v)})\n"
    "\n"
    "PyTorch:\n"
    "\n"
    "    from safetensors.torch import load_file, save_file\n"
    "    case = load_file('03_exact.safetensors')            # images are channels last: x.permute(0, 3, 1, 2) for "
    "conv2d\n"
    "    save_file({'out/V': v.contiguous(), 'out/loss': loss}, 'mine.safetensors')\n"
    "\n"
    "MLX (no float64 on its GPU: generate with --precision float):\n"
    "\n"
    "    case = mlx.core.load('03_exact.safetensors')\n"
    "    mlx.core.save_safetensors('mine.safetensors', {'out/V': v})\n"
    "\n"
    "Julia (NPZ.jl reads row-major arrays into the same indices):\n"
    "\n"
    "    using NPZ\n"
    "    case = npzread(\"03_exact.npz\"); gen = case[\"in/gen\"]\n"
    "    npzwrite(\"mine.npz\", Dict(\"out/V\" => v))\n"
    "\n"
    "Rust (crates safetensors and ndarray):\n"
    "\n"
    "    let bytes = std::fs::read(\"03_exact.safetensors\")?;\n"
    "    let case = safetensors::SafeTensors::deserialize(&bytes)?;\n"
    "    let gen = case.tensor(\"in/gen\")?; // .shape(), .data(): little endian, row major\n"
    "\n"
    "## The cases\n"
    "\n"
    "| case | kind | what a port that passes has right |\n"
    "|---|---|---|\n";

static drift_status write_readme(const char *folder, uint64_t seed)
{
    char path[4096];
    struct drift_writer writer;
    snprintf(path, sizeof path, "%s/README.md", folder);
    drift_status status = drift_writer_open(&writer, path);
    if (status)
        return status;
    drift_writer_write(&writer, readme, sizeof readme - 1);
    for (int i = 0; i < GRADES; i++)
        drift_writer_print(&writer, "| `%02d_%s` | `%s` | %s |\n", i + 1, grades[i].name, grades[i].kind,
                           grades[i].what);
    drift_writer_print(&writer,
                       "\nMade by `drift golden generate --suite --seed %llu`: the same bytes on every machine.\n",
                       (unsigned long long)seed);
    return drift_writer_commit(&writer);
}

static drift_status write_grade(const char *folder, int i, uint64_t seed, int single)
{
    static const char *const ends[] = {"safetensors", "npz", "json"};
    char name[64], path[3][4096];
    json_error_t wrong;
    const size_t paths = grades[i].small ? 3 : 2;
    snprintf(name, sizeof name, "%02d_%s", i + 1, grades[i].name);
    for (size_t k = 0; k < paths; k++)
        snprintf(path[k], sizeof path[k], "%s/%s.%s", folder, name, ends[k]);
    const drift_golden_request request = {.kind = drift_golden_kind_named(grades[i].kind),
                                          .config = json_loads(grades[i].config, 0, &wrong),
                                          .seed = seed,
                                          .single = single,
                                          .name = name};
    drift_status status = drift_golden_generate(&request, paths, (const char *const[]){path[0], path[1], path[2]});
    json_decref(request.config);
    return status;
}

drift_status drift_golden_suite(const char *folder, uint64_t seed, int single)
{
    if (strlen(folder) > 4000)
        return drift_fail(DRIFT_INVALID, "%.40s...: a path too long", folder);
    drift_status status = drift_folder_make(folder);
    for (int i = 0; i < GRADES && !status; i++)
        status = write_grade(folder, i, seed, single);
    return status ? status : write_readme(folder, seed);
}
