/* The table of the recipe's keys. Where a DiT's default differs from an MLP's, both stand in the row. */
#include "train/recipe.h"

/* The rest of a row: its meaning, then .dit = "default of a DiT's recipe", .only = 1 + the model that has the key. */
#define ROW(name, kind, by_default, words, least, most, free_to_change, ...)                                           \
    {                                                                                                                  \
        .key = #name, .type = DRIFT_RECIPE_##kind, .offset = offsetof(struct drift_recipe, name),                      \
        .initial = by_default, .choices = words, .low = least, .high = most, .may_change = free_to_change,             \
        .help = __VA_ARGS__                                                                                            \
    }
#define WORDS(key, initial, ...) ROW(key, WORDS, initial, NULL, 0, 0, 0, __VA_ARGS__)
#define CHOICE(key, initial, choices, ...) ROW(key, CHOICE, initial, choices, 0, 0, 0, __VA_ARGS__)
#define BOOL(key, initial, ...) ROW(key, BOOL, initial, NULL, 0, 0, 0, __VA_ARGS__)
#define INTEGER(key, initial, low, high, ...) ROW(key, INTEGER, initial, NULL, low, high, 0, __VA_ARGS__)
#define NUMBER(key, initial, low, high, ...) ROW(key, NUMBER, initial, NULL, low, high, 0, __VA_ARGS__)
#define MLP .only = 1 + DRIFT_MODEL_MLP
#define DIT .only = 1 + DRIFT_MODEL_DIT

const struct drift_recipe_key drift_recipe_keys[] = {
    ROW(name, WORDS, "", NULL, 0, 0, 1, "title of the report; empty: the data set's name"),
    WORDS(dataset.name, "checkerboard", "a built-in data set, or a file: .npy .npz .csv .png idx[.gz], or a folder",
          .dit = ""),
    CHOICE(dataset.split, "train", "all|train",
           "rows of a finite set to train on; train leaves a part out for the evaluation"),
    INTEGER(dataset.num_classes, "0", 0, 1 << 20, "classes, also the model's; 0: as many as the data has", DIT),
    INTEGER(dataset.batch_size, "0", 0, 1e6, "what one push takes from the data; 0: train.train_batch_size", DIT),
    BOOL(dataset.mirror, "false", "mirror half of the images that are trained on, left and right"),

    CHOICE(model.name, "mlp", "mlp|dit", "the generator; dit where model.depth is given without a name"),
    INTEGER(model.noise_dim, "32", 1, 65536, "numbers of N(0,1) noise that a sample is made of", MLP),
    ROW(model.hidden_size, INTEGERS, "[256, 256, 256]", NULL, 1, 65536, 0,
        "widths of the hidden layers; a dit's one width", .dit = "[1152]"),
    CHOICE(model.activation, "silu", "relu|silu|gelu|gelu_tanh|tanh|sigmoid", "after each hidden layer", MLP),
    INTEGER(model.cond_dim, "0", 0, 65536, "width of the condition vector; 0: hidden_size", DIT),
    INTEGER(model.input_size, "32", 1, 4096, "height and width of noise and image; 1: points", DIT),
    INTEGER(model.in_channels, "3", 1, 65536, "channels of the noise", DIT),
    INTEGER(model.out_channels, "3", 1, 65536, "channels of the image, or numbers of a point", DIT),
    INTEGER(model.patch_size, "2", 1, 4096, "side of a patch, which is one token", DIT),
    INTEGER(model.depth, "28", 1, 1000, "blocks", DIT),
    INTEGER(model.num_heads, "16", 1, 4096, "of attention", DIT),
    NUMBER(model.mlp_ratio, "4", 0.001, 1000, "width of a block's MLP in units of hidden_size", DIT),
    BOOL(model.use_qknorm, "false", "norm of queries and keys", DIT),
    BOOL(model.use_swiglu, "false", "SwiGLU instead of a GELU MLP", DIT),
    BOOL(model.use_rope, "false", "rotary position embedding", DIT),
    BOOL(model.use_rmsnorm, "false", "RMSNorm instead of LayerNorm", DIT),
    INTEGER(model.n_cls_tokens, "0", 0, 65536, "tokens of the condition before those of the image", DIT),
    INTEGER(model.noise_classes, "0", 0, 1 << 20, "rows of each style table; 0: no styles", DIT),
    INTEGER(model.noise_coords, "1", 1, 4096, "style tables", DIT),
    BOOL(model.use_bf16, "false", "products and activations in bfloat16, parameters in float32", DIT),
    BOOL(model.attn_fp32, "true", "attention in float32 all the same", DIT),
    BOOL(model.use_remat, "false", "compute blocks again in backward instead of keeping them", DIT),
    INTEGER(model.checkpoint_blocks, "0", 0, 1000, "keep so many blocks' results only, and compute the rest again",
            DIT),

    CHOICE(optimizer.name, "adam", "adam|adamw", "adamw subtracts lr weight_decay parameter, adam has no decay",
           .dit = "adamw"),
    NUMBER(optimizer.lr_schedule.learning_rate, "1e-3", 0, 10, "after the warm-up"),
    INTEGER(optimizer.lr_schedule.warmup_steps, "0", 0, 1e9, "steps in which the rate rises from 1e-6"),
    CHOICE(optimizer.lr_schedule.lr_schedule, "const", "const|cosine|cos", "course of the rate after the warm-up"),
    INTEGER(optimizer.lr_schedule.total_steps, "0", 0, 1e9, "end of the cosine; 0: train.total_steps"),
    NUMBER(optimizer.weight_decay, "0", 0, 10, "on every parameter, adamw only"),
    NUMBER(optimizer.adam_b1, "0.9", 0, 0.999999, "decay of the mean gradient"),
    NUMBER(optimizer.adam_b2, "0.999", 0, 0.9999999, "decay of the mean squared gradient", .dit = "0.95"),
    NUMBER(optimizer.adam_eps, "1e-8", 0, 1, "added outside the root"),

    INTEGER(train.seed, "0", 0, 9e15, "of everything random", .dit = "42"),
    ROW(train.total_steps, INTEGER, "2000", NULL, 0, 1e9, 1, "updates of the parameters", .dit = "100000"),
    ROW(train.save_per_step, INTEGER, "500", NULL, 1, 1e9, 1, "checkpoint every so many steps, and at the end",
        .dit = "10000"),
    ROW(train.eval_per_step, INTEGER, "100", NULL, 1, 1e9, 1, "energy distance every so many steps", .dit = "5000"),
    ROW(train.eval_samples, INTEGER, "10000", NULL, 16, 1e7, 1, "samples of the final evaluation", .dit = "50000"),
    ROW(train.cfg_list, NUMBERS, "[1]", NULL, 0, 1e3, 0, "guidance scales of an evaluation; the first is sampled with",
        DIT),
    INTEGER(train.train_batch_size, "64", 1, 1e6, "entries of a step, each a class with a guidance scale", DIT),
    INTEGER(train.forward_dict.gen_per_label, "2048", 1, 1e6, "generated samples per step, or per entry of a step",
            .dit = "8"),
    NUMBER(train.forward_dict.cfg_min, "1", 1, 1e3, "least guidance scale in training", DIT),
    NUMBER(train.forward_dict.cfg_max, "4", 1, 1e3, "largest", DIT),
    NUMBER(train.forward_dict.neg_cfg_pw, "1", -100, 100, "its density is proportional to scale^-k", DIT),
    NUMBER(train.forward_dict.no_cfg_frac, "0", 0, 1, "share of entries with scale 1", DIT),
    INTEGER(train.pos_per_sample, "2048", 1, 1e6, "data samples per step, or of its class per entry", .dit = "32"),
    INTEGER(train.neg_per_sample, "16", 0, 1e6, "data samples of any class per entry, as negatives", DIT),
    INTEGER(train.positive_bank_size, "64", 1, 1e9, "samples that the queue holds of a class", DIT),
    INTEGER(train.negative_bank_size, "512", 1, 1e9, "samples that the queue of all classes holds", DIT),
    INTEGER(train.push_per_step, "0", 0, 1e9, "data samples into the queues each step, in whole batches, at least one",
            DIT),
    INTEGER(train.accumulate, "1", 1, 1e6, "parts in which a step's samples pass the generator, to save memory"),
    BOOL(train.activation_kwargs.has_scale, "false", "feature norm_x beside global: each channel's rms over the image"),
    CHOICE(train.loss_kwargs.form, "joint", "exact|joint|normalized", "of the field: definition, 2D demo, ImageNet",
           .dit = "normalized"),
    ROW(train.loss_kwargs.R_list, NUMBERS, "[0.05]", NULL, 1e-6, 1e6, 0, "temperatures", .dit = "[0.02, 0.05, 0.2]"),
    NUMBER(train.loss_kwargs.floor, "0", 0, 1, "least affinity; 1e-12 (joint), 1e-6 (normalized) as published",
           .dit = "1e-6"),
    CHOICE(train.loss_kwargs.self, "masked", "masked|kept|none", "a sample among its own negatives"),
    NUMBER(train.loss_kwargs.attraction, "1", 0, 1e3, "weight of the pull towards data"),
    NUMBER(train.loss_kwargs.repulsion, "1", 0, 1e3, "weight of the push from generated samples"),
    BOOL(train.loss_kwargs.normalize_features, "true", "normalized form: distances in units of their mean"),
    BOOL(train.loss_kwargs.normalize_drift, "true", "normalized form: each temperature's drift divided by its rms"),
    NUMBER(train.max_grad_norm, "0", 0, 1e9, "clip the gradient's norm over all parameters; 0: do not", .dit = "2"),
    ROW(train.ema_decay, NUMBERS, "[0.99]", NULL, 0, 1, 0, "running means of the parameters; the first is sampled from",
        .dit = "[0.999]"),
    WORDS(train.init_from, "", "a model whose parameters a run starts from, at step 0"),

    WORDS(feature.mae_path, "", "encoder whose features are compared; empty: none, the image itself", DIT),
    BOOL(feature.use_mae, "true", "false: leave the encoder of mae_path out", DIT),
    BOOL(feature.use_convnext, "false", "features of ConvNeXt-V2 too", DIT),
    ROW(logging.log_every_k, INTEGER, "1", NULL, 1, 1e9, 0, "a row of log.csv every so many steps"),
    {.key = NULL},
};
