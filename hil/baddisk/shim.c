/* A disk that goes bad while a program runs: preloaded (LD_PRELOAD), it stands between the program and libc's calls.

   The environment's BADDISK names a folder. A file in it called write, read, sync or open is a fault of that kind, in
   force as long as it is there; its content is "NUMBER PART": calls on files whose path has PART in it fail with errno
   NUMBER; "hold PART": they wait until the file is gone. A write of more than WHOLE bytes is done by half before it
   fails, as a disk does that is full in the middle. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { WHOLE = 512, PAUSE_US = 2000 };

/* The errno that `kind` has for `path` now; 0: none. */
static int fault(const char *kind, const char *path) {
  const char *folder = getenv("BADDISK");
  if (!folder || !strncmp(path, folder, strlen(folder))) return 0;
  for (;;) {
    char name[4096], rule[256], part[256];
    snprintf(name, sizeof name, "%s/%s", folder, kind);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    ssize_t n = syscall(SYS_read, fd, rule, sizeof rule - 1);
    syscall(SYS_close, fd);
    rule[n > 0 ? n : 0] = 0;
    int number = 0;
    if (sscanf(rule, "hold %255s", part) == 1) number = -1;
    else if (sscanf(rule, "%d %255s", &number, part) != 2) return 0;
    if (!strstr(path, part)) return 0;
    if (number > 0) return number;
    usleep(PAUSE_US);
  }
}

static int fault_of(const char *kind, int fd) {
  int before = errno;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = 0;
  int number = n > 0 && path[0] == '/' ? fault(kind, path) : 0;
  errno = before;
  return number;
}

#define FAILS(kind, fd) \
  do { int number = fault_of(kind, fd); if (number) { errno = number; return -1; } } while (0)

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  int number = fault_of("write", fd);
  if (number == ENOSPC && size > WHOLE) return syscall(SYS_pwrite64, fd, data, size / 2, at);
  if (number) { errno = number; return -1; }
  return syscall(SYS_pwrite64, fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) { FAILS("write", fd); return syscall(SYS_write, fd, data, size); }

ssize_t pread64(int fd, void *data, size_t size, off64_t at) { FAILS("read", fd); return syscall(SYS_pread64, fd, data, size, at); }
ssize_t pread(int fd, void *data, size_t size, off_t at) { return pread64(fd, data, size, at); }
ssize_t read(int fd, void *data, size_t size) { FAILS("read", fd); return syscall(SYS_read, fd, data, size); }

int fsync(int fd) { FAILS("sync", fd); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { FAILS("sync", fd); return (int)syscall(SYS_fdatasync, fd); }

int ftruncate64(int fd, off64_t size) { FAILS("write", fd); return (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int posix_fallocate64(int fd, off64_t at, off64_t size) {
  int number = fault_of("write", fd);
  return number ? number : syscall(SYS_fallocate, fd, 0, at, size) ? errno : 0;
}
int posix_fallocate(int fd, off_t at, off_t size) { return posix_fallocate64(fd, at, size); }

static int opened(const char *path, int flags, mode_t mode) {
  int number = flags & (O_WRONLY | O_RDWR | O_CREAT) ? fault("open", path) : 0;
  if (number) { errno = number; return -1; }
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list args; va_start(args, flags); mode = va_arg(args, mode_t); va_end(args); }

int open64(const char *path, int flags, ...) { MODE(flags) return opened(path, flags, mode); }
int open(const char *path, int flags, ...) { MODE(flags) return opened(path, flags, mode); }
