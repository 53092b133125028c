/* CIFAR-10's binary files: one, or a folder with data_batch*.bin and test_batch*.bin, gzipped or not. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/spelling.h"
#include "data/source.h"
#include "io/cifar.h"
#include "io/file.h"

static const char train_prefix[] = "data_batch", test_prefix[] = "test_batch";

static int is_binary(const char *name) { return drift_ends_with(name, ".bin") || drift_ends_with(name, ".bin.gz"); }

static int is_train(const struct dirent *entry)
{
    return !strncmp(entry->d_name, train_prefix, strlen(train_prefix)) && is_binary(entry->d_name);
}

static int is_test(const struct dirent *entry)
{
    return !strncmp(entry->d_name, test_prefix, strlen(test_prefix)) && is_binary(entry->d_name);
}

static int is_either(const struct dirent *entry) { return is_train(entry) || is_test(entry); }

/* How many of the folder's files are chosen; the names in their order where wanted. */
static int count_files(const char *folder, int (*choose)(const struct dirent *), struct dirent ***names)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, choose, alphasort);
    if (names && count > 0)
        *names = entries;
    for (int i = 0; !names && i < count; i++)
        free(entries[i]);
    if (!names && count >= 0)
        free(entries);
    return count < 0 ? 0 : count;
}

int drift_data_is_cifar(const char *path)
{
    struct stat info;
    if (!stat(path, &info) && S_ISDIR(info.st_mode))
        return count_files(path, is_either, NULL) > 0;
    return is_binary(path);
}

/* Appends the rows of b, bytes, to a. */
static drift_status append(const char *path, struct drift_array *a, const struct drift_array *b)
{
    unsigned char *memory = realloc(a->memory, a->count + b->count + 1);
    if (!memory)
        return drift_fail_memory(path, a->count + b->count);
    memcpy(memory + a->count, b->data, b->count);
    const size_t rows = (a->count ? a->shape[0] : 0) + b->shape[0], count = a->count + b->count;
    *a = *b;
    a->data = a->memory = memory;
    a->shape[0] = rows;
    a->count = count;
    return DRIFT_OK;
}

static drift_status read_file(const char *path, struct drift_array *images, struct drift_array *labels)
{
    struct drift_array more, classes;
    drift_status status = drift_cifar_read(path, &more, &classes);
    if (status)
        return status;
    status = append(path, images, &more);
    if (!status)
        status = append(path, labels, &classes);
    drift_array_free(&more);
    drift_array_free(&classes);
    return status;
}

static drift_status read_folder(const char *folder, int (*choose)(const struct dirent *), struct drift_array *images,
                                struct drift_array *labels)
{
    struct dirent **names = NULL;
    const int count = count_files(folder, choose, &names);
    drift_status status = DRIFT_OK;
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (!status)
            status = drift_file_join(folder, names[i]->d_name, &path);
        if (!status)
            status = read_file(path, images, labels);
        free(path);
        free(names[i]);
    }
    if (count)
        free(names);
    return status;
}

drift_status drift_data_open_cifar(const char *path, enum drift_data_split split, struct drift_data *data)
{
    struct drift_array images = {.count = 0}, labels = {.count = 0};
    struct stat info;
    drift_status status;
    if (stat(path, &info) || !S_ISDIR(info.st_mode)) {
        status = read_file(path, &images, &labels);
    } else {
        const int parts = count_files(path, is_train, NULL) && count_files(path, is_test, NULL);
        status = read_folder(path,
                             !parts || split == DRIFT_DATA_ALL ? is_either
                             : split == DRIFT_DATA_TEST        ? is_test
                                                               : is_train,
                             &images, &labels);
        split = parts ? DRIFT_DATA_ALL : split; /* the files themselves are the parts */
    }
    if (!status)
        status = drift_data_take(path, &images, &labels, split, data);
    drift_array_free(&images);
    drift_array_free(&labels);
    return status;
}
