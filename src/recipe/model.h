/* A recipe's model as the settings of src/nn. */
#ifndef DRIFT_RECIPE_MODEL_H
#define DRIFT_RECIPE_MODEL_H

#include "nn/dit.h"
#include "nn/mae.h"
#include "recipe/recipe.h"

/* Of a DiT's recipe, whose dataset.num_classes is known; cond_dim 0 is the width of the tokens. And of an encoder's,
 * whose classes are 1000 where the recipe does not say. */
drift_dit_config drift_recipe_dit(const struct drift_recipe *recipe);
drift_mae_config drift_recipe_mae(const struct drift_recipe *recipe);

/* The other way: the recipe whose model has these settings, all its other keys as they are by default. */
void drift_recipe_of_dit(const drift_dit_config *config, struct drift_recipe *recipe);

/* How many parameters the model of a DiT's or an encoder's recipe has, without memory for them; 0 for an MLP, whose
 * last layer depends on the data. DRIFT_INVALID where the settings are impossible. */
drift_status drift_recipe_parameters(const struct drift_recipe *recipe, size_t *count);

#endif
