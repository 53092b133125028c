/* What a model is made of, without its values: parameters by name and shape, and what a forward pass costs. */
#ifndef DRIFT_TRAIN_INVENTORY_H
#define DRIFT_TRAIN_INVENTORY_H

#include "count/count.h"
#include "nn/mae.h"
#include "train/generator.h"

/* A model on the counting backend. Not to be copied or moved while it is open. */
struct drift_inventory {
    enum drift_recipe_model model;
    struct drift_sample_shape shape; /* of a sample, or of the image that an encoder sees */
    size_t classes;
    const drift_params *params;
    double forward_flop; /* of one sample, its noise not counted; of one image through the whole encoder model */
    double encoder_flop; /* of one image through what gives features, without decoder and classifier; 0: a generator */
    struct drift_surplus surplus;     /* arrays of a released model that the settings in its metadata do not ask for */
    struct drift_generator generator; /* one of these two */
    drift_mae mae;
    drift_params mae_params;
    drift_count count;
    drift_backend backend;
};

/* Of the model that a recipe makes. A generator's dataset.num_classes and the shape of its samples are known; an
 * encoder's images are of this shape or, where it is NULL, of 32 x 32 cells. On failure there is nothing to close. */
drift_status drift_inventory_of_recipe(const struct drift_recipe *recipe, const struct drift_sample_shape *shape,
                                       struct drift_inventory *inventory);

/* Of a model on disk: a run's folder, a model file or a checkpoint of drift, or a released model (a folder, hf://NAME,
 * or what drift convert makes of it), whose arrays are compared with the settings in its metadata. */
drift_status drift_inventory_of_file(const char *path, struct drift_inventory *inventory);

void drift_inventory_close(struct drift_inventory *inventory);

/* Numbers in the parameters whose names begin with these `length` letters. */
size_t drift_inventory_numbers(const drift_params *params, const char *name, size_t length);

#endif
