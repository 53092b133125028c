/* Files that are written whole or not at all. */
#define _XOPEN_SOURCE 700 /* realpath, an X/Open function of POSIX.1-2008 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

enum { BUFFER = 1 << 16 };

static drift_status fail_system(const char *path, int error)
{
    return drift_fail(error == ENOMEM ? DRIFT_NO_MEMORY : DRIFT_IO, "%s: cannot write: %s", path, strerror(error));
}

/* Closes, removes the temporary, forgets everything. */
static void discard(struct drift_writer *writer)
{
    if (writer->file >= 0)
        close(writer->file);
    if (writer->temporary)
        unlink(writer->temporary);
    free(writer->temporary);
    free(writer->path);
    free(writer->buffer);
    *writer = (struct drift_writer){NULL, NULL, NULL, 0, -1, 0};
}

/* Opens PATH.PID.tmp, with the access rights of the file that it replaces; *mode -1 where there is none. */
static int open_temporary(struct drift_writer *writer, long mode)
{
    size_t size = strlen(writer->path) + 40;
    writer->temporary = malloc(size);
    if (!writer->temporary)
        return ENOMEM;
    for (int attempt = 0; writer->file < 0; attempt++) { /* other threads may be writing the same file */
        snprintf(writer->temporary, size, "%s.%ld-%d.tmp", writer->path, (long)getpid(), attempt);
        writer->file = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->file < 0 && (errno != EEXIST || attempt == 1000)) {
            int error = errno;
            free(writer->temporary); /* not ours to remove */
            writer->temporary = NULL;
            return error;
        }
    }
    if (mode >= 0 && fchmod(writer->file, (mode_t)mode))
        return errno;
    return 0;
}

static int open_writer(struct drift_writer *writer, const char *path)
{
    struct stat info;
    /* standard output may be a file that others append to: it is neither replaced nor written from its beginning */
    const int output = !strcmp(path, "/dev/stdout"), exists = !output && !stat(path, &info);
    writer->buffer = malloc(BUFFER);
    writer->path = exists && S_ISREG(info.st_mode) ? realpath(path, NULL) : strdup(path);
    if (!writer->buffer || !writer->path)
        return writer->path ? ENOMEM : errno;
    if (output) {
        writer->file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        return writer->file < 0 ? errno : 0;
    }
    if (exists && S_ISDIR(info.st_mode))
        return EISDIR;
    if (!exists || S_ISREG(info.st_mode))
        return open_temporary(writer, exists ? (long)(info.st_mode & 07777) : -1);
    writer->file = open(path, O_WRONLY | O_CLOEXEC);
    return writer->file < 0 ? errno : 0;
}

drift_status drift_writer_open(struct drift_writer *writer, const char *path)
{
    *writer = (struct drift_writer){NULL, NULL, NULL, 0, -1, 0};
    int error = open_writer(writer, path);
    if (!error)
        return DRIFT_OK;
    discard(writer);
    return fail_system(path, error);
}

static void put(struct drift_writer *writer, const unsigned char *data, size_t size)
{
    while (size && !writer->error) {
        ssize_t n = write(writer->file, data, size < 1u << 30 ? size : 1u << 30);
        if (n < 0 && errno != EINTR)
            writer->error = errno;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
}

static void flush(struct drift_writer *writer)
{
    put(writer, writer->buffer, writer->used);
    writer->used = 0;
}

drift_status drift_writer_write(struct drift_writer *writer, const void *data, size_t size)
{
    if (writer->used + size > BUFFER || size > BUFFER)
        flush(writer);
    if (size > BUFFER) {
        put(writer, data, size);
    } else if (size) {
        memcpy(writer->buffer + writer->used, data, size);
        writer->used += size;
    }
    return writer->error ? fail_system(writer->path, writer->error) : DRIFT_OK;
}

drift_status drift_writer_print(struct drift_writer *writer, const char *format, ...)
{
    char line[1024], *text = line;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length >= (int)sizeof line && (text = malloc((size_t)length + 1))) {
        va_start(args, format);
        vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    if (length < 0 || !text) {
        writer->error = writer->error ? writer->error : length < 0 ? EINVAL : ENOMEM;
        length = 0;
    }
    drift_status status = drift_writer_write(writer, text, (size_t)length);
    if (text != line)
        free(text);
    return status;
}

static int waits_for_disk = 1;

void drift_file_wait_for_disk(int wait) { waits_for_disk = wait; }

/* Makes a rename in this folder last. Some file systems cannot, and say EINVAL. */
static int sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    const char *folder = slash == path ? "/" : slash ? path : ".";
    if (slash)
        *slash = 0;
    int file = open(slash == path ? "/" : folder, O_RDONLY | O_CLOEXEC), error = 0;
    if (file < 0 || fsync(file))
        error = errno == EINVAL || errno == EACCES ? 0 : errno;
    if (file >= 0)
        close(file);
    if (slash)
        *slash = '/';
    return error;
}

/* The temporary's bytes on disk, then its name. */
static int commit_temporary(struct drift_writer *writer)
{
    if (waits_for_disk && fsync(writer->file))
        return errno;
    int failed = close(writer->file);
    writer->file = -1;
    if (failed || rename(writer->temporary, writer->path))
        return errno;
    free(writer->temporary);
    writer->temporary = NULL;
    return waits_for_disk ? sync_folder(writer->path) : 0;
}

drift_status drift_writer_commit(struct drift_writer *writer)
{
    if (writer->file < 0)
        return drift_fail(DRIFT_INVALID, "a writer that is not open cannot be committed");
    flush(writer);
    if (!writer->error && writer->temporary)
        writer->error = commit_temporary(writer);
    drift_status status = writer->error ? fail_system(writer->path, writer->error) : DRIFT_OK;
    discard(writer);
    return status;
}

void drift_writer_abort(struct drift_writer *writer)
{
    if (writer->file >= 0)
        discard(writer);
}

drift_status drift_file_write(const char *path, const void *data, size_t size)
{
    struct drift_writer writer;
    drift_status status = drift_writer_open(&writer, path);
    if (status)
        return status;
    drift_writer_write(&writer, data, size);
    return drift_writer_commit(&writer);
}

static int make_one(const char *path)
{
    struct stat info;
    if (!mkdir(path, 0777))
        return 0;
    int error = errno;
    return !stat(path, &info) ? (S_ISDIR(info.st_mode) ? 0 : ENOTDIR) : error;
}

drift_status drift_file_join(const char *folder, const char *name, char **path)
{
    const size_t room = strlen(folder) + strlen(name) + 2;
    *path = malloc(room);
    if (!*path)
        return drift_fail_memory(folder, room);
    snprintf(*path, room, "%s/%s", folder, name);
    return DRIFT_OK;
}

drift_status drift_folder_make(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return drift_fail_memory(path, strlen(path));
    int error = 0;
    for (char *p = copy + 1; *copy && *p && !error; p++) {
        if (*p == '/') {
            *p = 0;
            error = make_one(copy);
            *p = '/';
        }
    }
    error = error ? error : make_one(copy);
    free(copy);
    return error ? drift_fail(DRIFT_IO, "%s: cannot make the folder: %s", path, strerror(error)) : DRIFT_OK;
}
