/* Images in idx files: one file with its labels beside it, or a folder as MNIST's, with a train and a test part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/source.h"
#include "io/file.h"
#include "io/idx.h"

/* What is read: images [n,height,width], and labels [n] (rank 0: none). */
struct images {
    struct drift_array pixels, labels;
};

/* What images are called in a folder; labels are found from it. */
static const char *const train_names[] = {"train-images-idx3-ubyte", "train-images.idx3-ubyte", "images-idx3-ubyte",
                                          "images.idx3-ubyte", NULL};
static const char *const test_names[] = {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "test-images-idx3-ubyte",
                                         "test-images.idx3-ubyte", NULL};

/* The first of FOLDER/NAME and FOLDER/NAME.gz that is there, NULL if none is (or memory lacks). */
static char *find_images(const char *folder, const char *const *names)
{
    size_t room = strlen(folder) + 64;
    char *path = malloc(room);
    for (; path && *names; names++) {
        for (int gz = 0; gz < 2; gz++) {
            snprintf(path, room, "%s/%s%s", folder, *names, gz ? ".gz" : "");
            if (!access(path, F_OK))
                return path;
        }
    }
    free(path);
    return NULL;
}

/* Replaces a word of the file's name by one of the same length. */
static int replace(char *path, const char *word, const char *by)
{
    char *slash = strrchr(path, '/'), *at = strstr(slash ? slash : path, word);
    if (at)
        memcpy(at, by, strlen(by));
    return at != NULL;
}

/* ".../images.idx3-ubyte.gz" has its labels in ".../labels.idx1-ubyte.gz", or without .gz; none is no error. */
static drift_status read_labels(const char *images_path, struct drift_array *labels)
{
    drift_status status = DRIFT_OK;
    char *path = strdup(images_path);
    if (!path)
        return drift_fail_memory(images_path, strlen(images_path));
    if (replace(path, "images", "labels") && replace(path, "idx3", "idx1")) {
        size_t length = strlen(path);
        if (access(path, F_OK) && length > 3 && !strcmp(path + length - 3, ".gz"))
            path[length - 3] = 0;
        if (!access(path, F_OK))
            status = drift_idx_read(path, labels);
    }
    free(path);
    return status;
}

static void free_images(struct images *images)
{
    drift_array_free(&images->pixels);
    drift_array_free(&images->labels);
}

static drift_status read_images(const char *path, struct images *images)
{
    memset(images, 0, sizeof *images);
    drift_status status = drift_idx_read(path, &images->pixels);
    if (!status && images->pixels.rank < 3)
        status = drift_fail(DRIFT_INVALID, "%s: expected images (idx3), got idx%d", path, images->pixels.rank);
    status = status ? status : read_labels(path, &images->labels);
    if (!status && images->labels.rank && images->labels.shape[0] != images->pixels.shape[0])
        status = drift_fail(DRIFT_INVALID, "%s: expected a label for each of %zu images, got %zu", path,
                            images->pixels.shape[0], images->labels.shape[0]);
    if (status)
        free_images(images);
    return status;
}

/* Appends the rows of b, bytes too, to a. */
static drift_status join(const char *path, struct drift_array *a, const struct drift_array *b)
{
    size_t total;
    int same = a->rank == b->rank;
    for (int i = 1; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i];
    if (!same || !drift_size_add(a->count, b->count, &total))
        return drift_fail(DRIFT_INVALID, "%s: expected the train and the test part to have the same shape", path);
    unsigned char *memory = malloc(total + 1);
    if (!memory)
        return drift_fail_memory(path, total);
    memcpy(memory, a->data, a->count);
    memcpy(memory + a->count, b->data, b->count);
    free(a->memory);
    a->data = a->memory = memory;
    a->shape[0] += b->shape[0];
    a->count = total;
    return DRIFT_OK;
}

static drift_status read_both(const char *folder, const char *train, const char *test, struct images *images)
{
    struct images more;
    drift_status status = read_images(train, images);
    if (status)
        return status;
    status = read_images(test, &more);
    if (!status) {
        status = join(folder, &images->pixels, &more.pixels);
        if (!status && images->labels.rank && more.labels.rank)
            status = join(folder, &images->labels, &more.labels);
        else
            drift_array_free(&images->labels);
        free_images(&more);
    }
    if (status)
        free_images(images);
    return status;
}

/* Reads what `split` asks for; *split becomes ALL where the files themselves are the parts. */
static drift_status read_folder(const char *folder, enum drift_data_split *split, struct images *images)
{
    char *train = find_images(folder, train_names), *test = find_images(folder, test_names);
    drift_status status;
    if (!train && !test)
        status = drift_fail(DRIFT_INVALID,
                            "%s: expected images.idx3-ubyte, train-images-idx3-ubyte or t10k-images-idx3-ubyte "
                            "(.gz allowed) in this folder",
                            folder);
    else if (train && test && *split == DRIFT_DATA_ALL)
        status = read_both(folder, train, test, images);
    else
        status = read_images(!train || (test && *split == DRIFT_DATA_TEST) ? test : train, images);
    if (train && test)
        *split = DRIFT_DATA_ALL;
    free(train);
    free(test);
    return status;
}

drift_status drift_data_open_idx(const char *path, enum drift_data_split split, struct drift_data *data)
{
    struct images images;
    struct stat info;
    int is_folder = !stat(path, &info) && S_ISDIR(info.st_mode);
    drift_status status = is_folder ? read_folder(path, &split, &images) : read_images(path, &images);
    if (status)
        return status;
    status = drift_data_take(path, &images.pixels, images.labels.rank ? &images.labels : NULL, split, data);
    free_images(&images);
    return status;
}
