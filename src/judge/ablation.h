/* A table of ablations: one recipe, rows of overrides, several seeds. As YAML:
 *
 *   name: Anti-symmetry of the field
 *   about: what the rows change, in a sentence
 *   recipe: digits-dit                  a file, or a built-in recipe
 *   set: {train.total_steps: 600}       for every row
 *   seeds: [0, 1, 2]
 *   figures: [frechet_distance, recall] what is reported (train/figures.h)
 *   encoders:                           trained first
 *   - {name: mae, recipe: digits-mae, set: {train.total_steps: 300}}
 *   rows:                               the first is what the others are compared with
 *   - {name: both, set: {}}
 *   - {name: in feature space, encoder: mae, set: {train.seed: 3}, cfg: 2, paper: 8.46}
 *
 * `cfg` is the guidance scale of a row's samples, else the first of train.cfg_list; rows that differ in nothing else
 * share their runs. `paper` is what the paper reports for the row, to stand beside it. */
#ifndef DRIFT_JUDGE_ABLATION_H
#define DRIFT_JUDGE_ABLATION_H

#include "io/yaml.h"
#include "judge/figures.h"
#include "recipe/recipe.h"

enum { DRIFT_ABLATION_SEEDS = 64, DRIFT_ABLATION_FOLDER = 64 };

/* A row; or an encoder, whose `encoder`, `cfg` and `paper` mean nothing. */
struct drift_ablation_row {
    const char *name;
    char folder[DRIFT_ABLATION_FOLDER]; /* the name in letters, digits, '.' and '-' */
    const char *recipe;                 /* of an encoder */
    struct drift_yaml *set;
    int encoder;       /* index, or -1 */
    double cfg, paper; /* NaN where not given */
    size_t runs;       /* the row whose runs these are: its own index, or that of an earlier one with the same recipe */
};

struct drift_ablation {
    struct drift_yaml_file file; /* the texts */
    const char *name, *about;
    size_t seed_count, figure_count, row_count, encoder_count;
    int64_t seeds[DRIFT_ABLATION_SEEDS];
    enum drift_figure figures[DRIFT_FIGURES];
    struct drift_ablation_row *rows, *encoders;
    struct drift_recipe recipe; /* with what is common to all rows */
};

/* Reads a table from a path, or the built-in table of that name (data/ablations). `change` is called with the recipe of
 * the rows and of each encoder before their own overrides, for the command line's; NULL. What is wrong in any row's
 * recipe is found here, encoders' folders apart. On failure there is nothing to free. */
typedef drift_status drift_ablation_change(void *context, struct drift_recipe *recipe);
drift_status drift_ablation_read(struct drift_ablation *ablation, const char *name, drift_ablation_change *change,
                                 void *context);
void drift_ablation_free(struct drift_ablation *ablation);

/* Takes these seeds in place of the table's; one at least. A number that is not whole, or twice there: DRIFT_INVALID.
 */
drift_status drift_ablation_take_seeds(struct drift_ablation *ablation, size_t count, const double *seeds);

/* The recipe of a row with a seed; encoders are looked for below `folder`. And of an encoder. */
drift_status drift_ablation_recipe(const struct drift_ablation *ablation, size_t row, int64_t seed, const char *folder,
                                   struct drift_recipe *recipe);
drift_status drift_ablation_encoder(const struct drift_ablation *ablation, size_t encoder,
                                    drift_ablation_change *change, void *context, struct drift_recipe *recipe);

/* Where an encoder's run lies: "FOLDER/encoders/NAME". */
void drift_ablation_encoder_path(const struct drift_ablation *ablation, size_t encoder, const char *folder, char *path,
                                 size_t size);

#endif
