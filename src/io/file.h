/* Whole files: read with a cap, and written whole or not at all.
 *
 * Every failure is one line, "PATH: reason" (DRIFT_IO: the system refused; DRIFT_INVALID: too large or damaged). */
#ifndef DRIFT_IO_FILE_H
#define DRIFT_IO_FILE_H

#include <stddef.h>

#include "base/status.h"

struct drift_bytes {
    unsigned char *data; /* never NULL after a successful read; data[size] is 0, for those who read text */
    size_t size;
};

/* What a reader takes when it has no reason to be stricter: 64 GiB, and a quarter of what a size_t holds on 32 bits. */
#define DRIFT_FILE_CAP ((size_t)1 << (sizeof(size_t) > 4 ? 36 : 30))

/* Reads a file, pipe or device to its end. More than `cap` bytes are an error, found before they are allocated where
 * the system knows the size. */
drift_status drift_file_read(const char *path, size_t cap, struct drift_bytes *bytes);

/* The same, and unpacked where the file is gzip (by its first bytes, not by its name; several members are joined).
 * `cap` bounds the unpacked bytes, so a small file cannot fill the memory. */
drift_status drift_file_read_gz(const char *path, size_t cap, struct drift_bytes *bytes);

void drift_bytes_free(struct drift_bytes *bytes);

/* A whole file to be looked at: mapped where it is large, so that what nobody looks at is never read, else read. The
 * file must not be cut shorter meanwhile; replacing it, as the writer below does, is harmless. */
struct drift_file_view {
    const unsigned char *data; /* never NULL after success */
    size_t size;
    void *memory; /* what is freed; NULL: the data are mapped */
};

drift_status drift_file_view(const char *path, struct drift_file_view *view);
void drift_file_view_free(struct drift_file_view *view);

/* A file that takes the place of `path` in one step, when all of it is on disk: open, write..., then commit or abort.
 * Bytes go to PATH.PID.tmp in the same folder; commit syncs, renames and syncs the folder. When anything fails (a full
 * disk) the temporary is removed and an older file at `path` stays as it was. A symbolic link keeps pointing where it
 * did. A device or pipe is written directly, and so is /dev/stdout, whatever it is, from where it stands.
 * Failed writes are sticky: the caller may check commit alone, whose line tells the first failure. */
struct drift_writer {
    char *path, *temporary; /* temporary NULL: written directly */
    unsigned char *buffer;
    size_t used;
    int file;  /* descriptor, -1 when closed */
    int error; /* errno of the first failure, 0 if none */
};

drift_status drift_writer_open(struct drift_writer *writer, const char *path);
drift_status drift_writer_write(struct drift_writer *writer, const void *data, size_t size);
drift_status drift_writer_print(struct drift_writer *writer, const char *format, ...) DRIFT_PRINTF(2, 3);
/* Both close the writer; abort does nothing to one that is closed already. */
drift_status drift_writer_commit(struct drift_writer *writer);
void drift_writer_abort(struct drift_writer *writer);

/* open, write, commit. */
drift_status drift_file_write(const char *path, const void *data, size_t size);

/* 0: from now on commit renames without waiting for the disk, for a program whose output can be made again. Still whole
 * or not at all, the machine's sudden end apart. Called before anything is written. */
void drift_file_wait_for_disk(int wait);

/* "PATH: no memory for N bytes". */
drift_status drift_fail_memory(const char *path, size_t bytes);

/* *path: "FOLDER/NAME", to be freed; NULL where memory lacks. */
drift_status drift_file_join(const char *folder, const char *name, char **path);

/* Makes the folder and those above it where missing. */
drift_status drift_folder_make(const char *path);

#endif
