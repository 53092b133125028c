/* A recipe: every setting of a training run, as YAML on disk and as a struct here.
 *
 * One table (recipe_keys.c) has a row per key: name, type, range, defaults, what it means. It drives reading, `--set`,
 * `--print-recipe`, the comparison on resume and the messages about unknown keys. The names are those of the authors'
 * recipes where they have one.
 *
 * There are two kinds of recipe, by the generator: an MLP of points or pixels without classes, whose defaults are the
 * authors' 2D demo, and a class-conditional DiT, whose defaults are those of their ImageNet code. A file is a DiT's
 * where model.name says so, or where it has model.depth and no model.name, as the authors' files do. */
#ifndef DRIFT_RECIPE_RECIPE_H
#define DRIFT_RECIPE_RECIPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "drifting/guidance.h"

enum { DRIFT_RECIPE_LIST = 16, DRIFT_RECIPE_TEXT = 1024 };

struct drift_recipe_integers {
    int count;
    int64_t items[DRIFT_RECIPE_LIST];
};

struct drift_recipe_numbers {
    int count;
    double items[DRIFT_RECIPE_LIST];
};

enum drift_recipe_model { DRIFT_MODEL_MLP, DRIFT_MODEL_DIT, DRIFT_MODEL_MAE };
enum drift_recipe_optimizer { DRIFT_OPTIMIZER_ADAM, DRIFT_OPTIMIZER_ADAMW };

struct drift_recipe {
    char name[DRIFT_RECIPE_TEXT];
    int64_t hsdp_dim;
    struct {
        char name[DRIFT_RECIPE_TEXT];
        int split; /* drift_data_split */
        int64_t num_classes, batch_size, eval_batch_size, resolution;
        int mirror, use_aug, use_latent, use_cache;
        struct {
            int64_t num_workers, prefetch_factor;
            int pin_memory;
        } kwargs;
    } dataset;
    struct {
        int name; /* enum drift_recipe_model */
        int64_t noise_dim;
        struct drift_recipe_integers hidden_size;
        int activation;
        int64_t cond_dim, input_size, in_channels, out_channels, patch_size, depth, num_heads, n_cls_tokens;
        int64_t noise_classes, noise_coords, checkpoint_blocks;
        double mlp_ratio;
        int use_qknorm, use_swiglu, use_rope, use_rmsnorm, use_bf16, attn_fp32, use_remat;
        int64_t base_channels, input_patch_size; /* of an encoder, as layers and dropout_prob */
        struct drift_recipe_integers layers;
        double dropout_prob;
    } model;
    struct {
        int name; /* enum drift_recipe_optimizer */
        double weight_decay, adam_b1, adam_b2, adam_eps;
        struct {
            double learning_rate;
            int64_t warmup_steps, total_steps;
            int lr_schedule; /* enum drift_schedule_kind */
        } lr_schedule;
    } optimizer;
    struct {
        int64_t seed, total_steps, save_per_step, eval_per_step, eval_samples;
        int64_t train_batch_size, pos_per_sample, neg_per_sample, accumulate;
        int64_t positive_bank_size, negative_bank_size, push_per_step, push_at_resume, keep_every, keep_last;
        int64_t finetune_last_steps, warmup_finetune;
        double finetune_cls;
        double max_grad_norm;
        struct drift_recipe_numbers ema_decay, cfg_list;
        char init_from[DRIFT_RECIPE_TEXT];
        struct {
            int64_t gen_per_label;
            double cfg_min, cfg_max, neg_cfg_pw, no_cfg_frac;
            double mask_ratio_min, mask_ratio_max, lambda_cls;
        } forward_dict;
        struct {
            double mask_ratio_min, mask_ratio_max, lambda_cls;
        } eval_forward_dict;
        struct {
            int has_scale, use_mean, use_std;
            struct drift_recipe_integers patch_mean_size, patch_std_size;
            double every_k_block; /* below 1 or infinite: no block */
        } activation_kwargs;
        struct {
            struct drift_recipe_numbers R_list;
            int form, self; /* drift_form, drift_self */
            double floor, attraction, repulsion;
            int normalize_features, normalize_drift;
        } loss_kwargs;
    } train;
    struct {
        char mae_path[DRIFT_RECIPE_TEXT];
        int use_mae, use_convnext, convnext_bf16, use_post_x;
        char convnext_path[DRIFT_RECIPE_TEXT];
        struct {
            int source; /* of the words of its row: none, hf, local */
            char hf_model_name[DRIFT_RECIPE_TEXT], path[DRIFT_RECIPE_TEXT];
        } load_dict;
    } feature;
    struct {
        int64_t log_every_k;
        int use_wandb;
        char project[DRIFT_RECIPE_TEXT], entity[DRIFT_RECIPE_TEXT];
    } logging;
};

enum drift_recipe_type {
    DRIFT_RECIPE_WORDS,    /* text */
    DRIFT_RECIPE_CHOICE,   /* int: index of a word among `choices` */
    DRIFT_RECIPE_BOOL,     /* int */
    DRIFT_RECIPE_INTEGER,  /* int64_t */
    DRIFT_RECIPE_NUMBER,   /* double */
    DRIFT_RECIPE_INTEGERS, /* struct drift_recipe_integers */
    DRIFT_RECIPE_NUMBERS   /* struct drift_recipe_numbers */
};

struct drift_recipe_key {
    const char *key; /* "optimizer.lr_schedule.learning_rate" */
    enum drift_recipe_type type;
    size_t offset;
    const char *initial; /* the default, as text; a DiT's and an encoder's may be another: `dit`, `mae` */
    const char *choices; /* "adam|adamw" */
    double low, high;    /* of numbers; of a list, of each item */
    int may_change;      /* a resumed run may have another value */
    const char *help;
    const char *dit, *mae; /* defaults of the other models; NULL: `initial` */
    int only;              /* bits 1 << drift_recipe_model of those that have the key; 0: every model */
    const char *null;      /* what an explicit null means; NULL: the default stays */
    const char *missing;   /* what this version lacks to do anything but the default; NULL: nothing */
};

/* The table; its last row has no key. */
extern const struct drift_recipe_key drift_recipe_keys[];

/* The defaults of an MLP's recipe: the authors' demo on the checkerboard. And those of a model's. */
void drift_recipe_defaults(struct drift_recipe *recipe);
void drift_recipe_defaults_of(struct drift_recipe *recipe, enum drift_recipe_model model);

/* Whether a key says something about the recipe's model. */
int drift_recipe_concerns(const struct drift_recipe *recipe, const struct drift_recipe_key *key);

/* Sets one key from text: "adam", "1e-3", "[256, 256]" or "256,256". */
drift_status drift_recipe_set(struct drift_recipe *recipe, const char *key, const char *text);

/* The row of a key; a failure proposes the nearest known. And a key's value from its items' texts. */
drift_status drift_recipe_find(const char *name, const struct drift_recipe_key **found);
drift_status drift_recipe_assign(struct drift_recipe *recipe, const struct drift_recipe_key *key, size_t count,
                                 const char *const *texts);

/* Sets the keys that a YAML file or text has; the others stay, but in a DiT's recipe all begin with its defaults.
 * `name` stands for the text's file in messages. */
drift_status drift_recipe_read(struct drift_recipe *recipe, const char *path);
drift_status drift_recipe_parse(struct drift_recipe *recipe, const char *text, size_t length, const char *name);

/* Reads a recipe from a path, or from the built-in recipe of that name (drift_data_find_named). */
drift_status drift_recipe_open(struct drift_recipe *recipe, const char *name);

/* Sets the keys below a map of a larger file, "train.seed" or train: {seed}; NULL: none. */
struct drift_yaml;
drift_status drift_recipe_overlay(struct drift_recipe *recipe, const struct drift_yaml *map);

/* The settings of the field, and of guidance, that a recipe asks for. */
drift_field_config drift_recipe_field(const struct drift_recipe *recipe);
struct drift_guidance drift_recipe_guidance(const struct drift_recipe *recipe);

/* Whether the values go together. Called once all are set. */
drift_status drift_recipe_check(const struct drift_recipe *recipe);

/* What a recipe asks for and this version cannot do: lines such as "dataset.use_cache: true needs a cache of latents,
 * not supported yet" in memory that is to be freed, NULL where there is nothing, or no memory. And the first of them as
 * a failure, DRIFT_INVALID. */
char *drift_recipe_missing(const struct drift_recipe *recipe);
drift_status drift_recipe_able(const struct drift_recipe *recipe);

/* The encoder that feature.mae_path or feature.load_dict names, for drift_artifact_open; "" for none. */
void drift_recipe_encoder(const struct drift_recipe *recipe, char path[DRIFT_RECIPE_TEXT + 8]);

/* The recipe as YAML, all keys that concern it in the table's order, with the meaning of each as a comment where asked
 * for. To be freed by the caller; NULL without memory. Reading it back gives the same recipe. */
char *drift_recipe_print(const struct drift_recipe *recipe, int comments);

/* The value of one key as text, as drift_recipe_print has it. */
void drift_recipe_value(const struct drift_recipe *recipe, const struct drift_recipe_key *key, char *text, size_t size);

/* DRIFT_OK where a run with recipe `now` may go on from a checkpoint of recipe `then`, else the first key that differs.
 */
drift_status drift_recipe_resumable(const struct drift_recipe *then, const struct drift_recipe *now);

#endif
