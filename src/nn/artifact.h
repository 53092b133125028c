/* A model as the authors release it: a folder with ema_params.msgpack, the parameters by their tree paths, and
 * metadata.json, which says what they are (spec: artifacts). */
#ifndef DRIFT_NN_ARTIFACT_H
#define DRIFT_NN_ARTIFACT_H

#include <jansson.h>
#include <stdint.h>

#include "io/msgpack.h"
#include "io/safetensors.h"
#include "nn/dit.h"
#include "nn/mae.h"

enum drift_artifact_kind { DRIFT_ARTIFACT_GEN, DRIFT_ARTIFACT_MAE };

struct drift_artifact {
    char *folder; /* that holds both files */
    char *text;   /* metadata.json as it stands */
    json_t *metadata;
    enum drift_artifact_kind kind;
    double ema_decay; /* of the running mean that the parameters are; NaN where the file does not say */
    int64_t step;     /* updates done; 0 where it does not say */
    const char *path; /* of the file with the arrays, for messages */
    size_t count;
    const struct drift_tensor_entry *tensors; /* of one of these files */
    struct drift_msgpack_file params;
    struct drift_safetensors file;
};

/* Opens PATH/params_ema where that is a folder, else PATH; "hf://NAME" is models/gen/jax/NAME or models/mae/jax/NAME
 * below $HF_ROOT, where the same path may follow once more. Also takes the older names ema_model.msgpack and
 * ema_model.metadata.json, and a file that drift_artifact_to_safetensors wrote, by its ending. Large files are mapped.
 * On failure there is nothing to close. */
drift_status drift_artifact_open(const char *path, struct drift_artifact *artifact);
void drift_artifact_close(struct drift_artifact *artifact);

/* Whether a path can only mean an artefact's folder: it is one, or begins with hf://. */
int drift_artifact_is_folder(const char *path);
/* Whether a safetensors file is an artefact's. */
int drift_artifact_is_converted(const struct drift_safetensors *file);

/* Writes both files into a folder, made where missing: the parameters first, each whole or not at all. */
drift_status drift_artifact_write(const char *folder, const char *metadata, const struct drift_msgpack *params);

/* Writes the arrays and metadata of an opened folder as one safetensors file; and those of such a file, opened, as both
 * files again, to the byte where drift_msgpack_compare says that they are as the reference writes them. */
drift_status drift_artifact_to_safetensors(const struct drift_artifact *artifact, const char *path);
drift_status drift_artifact_to_folder(const struct drift_artifact *artifact, const char *folder);

/* ---- model_config ---- */

/* A key of model_config and its place in a model's settings. A key that is absent or null has its initial value; one
 * with a negative one must be there. */
struct drift_artifact_setting {
    const char *key; /* NULL ends a table */
    enum { DRIFT_SETTING_COUNT, DRIFT_SETTING_NUMBER, DRIFT_SETTING_FLAG, DRIFT_SETTING_COUNTS } type;
    size_t offset;  /* of a size_t, a double, an int (0, 1), an array of size_t */
    size_t length;  /* of the array */
    double initial; /* of each */
};

/* `where` begins the message: "FILE: model_config" */
drift_status drift_artifact_read_settings(const json_t *object, const char *where,
                                          const struct drift_artifact_setting *table, void *settings);
drift_status drift_artifact_settings(const struct drift_artifact *artifact, const struct drift_artifact_setting *table,
                                     void *settings);

/* metadata.json with all settings in the table's order, as the reference writes it. To be freed; NULL without memory.
 */
char *drift_artifact_metadata(enum drift_artifact_kind kind, double ema_decay, int64_t step,
                              const struct drift_artifact_setting *table, const void *settings);

/* ---- parameters ---- */

/* Arrays of a file that no parameter asked for: how many, and one of them. */
struct drift_surplus {
    size_t count;
    char name[DRIFT_PARAM_NAME];
};

/* Whether the artefact has all parameters, which need no memory for that: one that is missing or has another shape is
 * an error that names file and path. `surplus` may be NULL. */
drift_status drift_artifact_match(const struct drift_artifact *artifact, const drift_params *params,
                                  struct drift_surplus *surplus);

/* Fills a block of parameters (params->values, or one of drift_params_block) from the artefact's arrays; fails as match
 * does, and where a number is NaN or infinite. */
drift_status drift_artifact_fill(const struct drift_artifact *artifact, const drift_params *params,
                                 drift_tensor *block);

/* Writes both files: this metadata.json, and a block of the parameters. */
drift_status drift_artifact_save(const char *folder, const char *metadata, const drift_params *params,
                                 const drift_tensor *block);

/* ---- encoders ---- */

/* The settings of an encoder's artefact, checked. DRIFT_INVALID where it is a generator's. */
drift_status drift_artifact_mae_config(const struct drift_artifact *artifact, drift_mae_config *config);

/* Declares, allocates and fills the parameters of an encoder's artefact: all of them where `whole`, else those of the
 * encoder, and decoder and classifier are passed over. The caller frees `params`, fresh from drift_params_new, whatever
 * the result, and `mae` where there is one. */
drift_status drift_artifact_load_mae(const char *path, int whole, drift_mae *mae, drift_params *params);

/* Writes an encoder's artefact, as drift_artifact_save_dit does a generator's. */
drift_status drift_artifact_save_mae(const char *folder, const drift_mae_config *config, double ema_decay, int64_t step,
                                     const drift_params *params, const drift_tensor *block);

/* ---- generators ---- */

/* The settings of drift_dit_config, with the reference's defaults. */
extern const struct drift_artifact_setting drift_dit_settings[];

/* The settings of a generator's artefact, checked. DRIFT_INVALID where it is an encoder's. */
drift_status drift_artifact_dit_config(const struct drift_artifact *artifact, drift_dit_config *config);

/* Declares, allocates and fills the parameters of a generator's artefact; `params` is fresh from drift_params_new, and
 * the caller frees it whatever the result. dit->config has the settings. */
drift_status drift_artifact_load_dit(const char *path, drift_dit *dit, drift_params *params,
                                     struct drift_surplus *surplus);

/* Writes a generator's artefact: a block of its parameters, which are a running mean of this decay after so many steps.
 */
drift_status drift_artifact_save_dit(const char *folder, const drift_dit_config *config, double ema_decay, int64_t step,
                                     const drift_params *params, const drift_tensor *block);

#endif
