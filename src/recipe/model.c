/* A recipe's model as the settings of src/nn. */
#include "recipe/model.h"

#include "cpu/cpu.h"

drift_dit_config drift_recipe_dit(const struct drift_recipe *recipe)
{
    const size_t width = recipe->model.hidden_size.count ? (size_t)recipe->model.hidden_size.items[0] : 0;
    return (drift_dit_config){
        .cond_dim = recipe->model.cond_dim ? (size_t)recipe->model.cond_dim : width,
        .num_classes = (size_t)recipe->dataset.num_classes,
        .noise_classes = (size_t)recipe->model.noise_classes,
        .noise_coords = (size_t)recipe->model.noise_coords,
        .input_size = (size_t)recipe->model.input_size,
        .in_channels = (size_t)recipe->model.in_channels,
        .n_cls_tokens = (size_t)recipe->model.n_cls_tokens,
        .patch_size = (size_t)recipe->model.patch_size,
        .hidden_size = width,
        .depth = (size_t)recipe->model.depth,
        .num_heads = (size_t)recipe->model.num_heads,
        .out_channels = (size_t)recipe->model.out_channels,
        .mlp_ratio = recipe->model.mlp_ratio,
        .use_qknorm = recipe->model.use_qknorm,
        .use_swiglu = recipe->model.use_swiglu,
        .use_rope = recipe->model.use_rope,
        .use_rmsnorm = recipe->model.use_rmsnorm,
        .use_bf16 = recipe->model.use_bf16,
        .attn_fp32 = recipe->model.attn_fp32,
        .use_remat = recipe->model.use_remat,
        .checkpoint_blocks = (size_t)recipe->model.checkpoint_blocks,
    };
}

void drift_recipe_of_dit(const drift_dit_config *c, struct drift_recipe *recipe)
{
    drift_recipe_defaults_of(recipe, DRIFT_MODEL_DIT);
    recipe->dataset.num_classes = (int64_t)c->num_classes;
    recipe->model.cond_dim = (int64_t)c->cond_dim;
    recipe->model.noise_classes = (int64_t)c->noise_classes;
    recipe->model.noise_coords = (int64_t)c->noise_coords;
    recipe->model.input_size = (int64_t)c->input_size;
    recipe->model.in_channels = (int64_t)c->in_channels;
    recipe->model.n_cls_tokens = (int64_t)c->n_cls_tokens;
    recipe->model.patch_size = (int64_t)c->patch_size;
    recipe->model.hidden_size = (struct drift_recipe_integers){1, {(int64_t)c->hidden_size}};
    recipe->model.depth = (int64_t)c->depth;
    recipe->model.num_heads = (int64_t)c->num_heads;
    recipe->model.out_channels = (int64_t)c->out_channels;
    recipe->model.mlp_ratio = c->mlp_ratio;
    recipe->model.use_qknorm = c->use_qknorm;
    recipe->model.use_swiglu = c->use_swiglu;
    recipe->model.use_rope = c->use_rope;
    recipe->model.use_rmsnorm = c->use_rmsnorm;
    recipe->model.use_bf16 = c->use_bf16;
    recipe->model.attn_fp32 = c->attn_fp32;
    recipe->model.use_remat = c->use_remat;
}

drift_mae_config drift_recipe_mae(const struct drift_recipe *recipe)
{
    drift_mae_config config = {
        .num_classes = recipe->dataset.num_classes ? (size_t)recipe->dataset.num_classes : 1000,
        .in_channels = (size_t)recipe->model.in_channels,
        .base_channels = (size_t)recipe->model.base_channels,
        .patch_size = (size_t)recipe->model.patch_size,
        .input_patch_size = (size_t)recipe->model.input_patch_size,
        .dropout_prob = recipe->model.dropout_prob,
        .use_bf16 = recipe->model.use_bf16,
    };
    for (int i = 0; i < DRIFT_MAE_STAGES && i < recipe->model.layers.count; i++)
        config.layers[i] = (size_t)recipe->model.layers.items[i];
    return config;
}

static drift_status declare(const struct drift_recipe *recipe, drift_params *params)
{
    drift_dit dit;
    drift_mae mae;
    const drift_dit_config dit_config = drift_recipe_dit(recipe);
    const drift_mae_config mae_config = drift_recipe_mae(recipe);
    if (recipe->model.name == DRIFT_MODEL_DIT)
        return drift_dit_new(&dit, &dit_config, params);
    drift_status status = drift_mae_new(&mae, &mae_config, 1, params);
    if (!status)
        drift_mae_free(&mae);
    return status;
}

drift_status drift_recipe_parameters(const struct drift_recipe *recipe, size_t *count)
{
    drift_params params;
    *count = 0;
    if (recipe->model.name == DRIFT_MODEL_MLP)
        return DRIFT_OK;
    drift_params_new(&params, drift_cpu_backend(DRIFT_F32));
    drift_status status = declare(recipe, &params);
    if (!status)
        status = params.status;
    for (size_t i = 0; i < params.count && !status; i++)
        *count += drift_tensor_elements(&params.list[i]->tensor);
    drift_params_free(&params);
    return status ? drift_fail_context(status, "model") : DRIFT_OK;
}
