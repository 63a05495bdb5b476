# weir: which headers come with the compiler, the C library and the kernel; all others are third-party.
# SPDX-License-Identifier: MIT

_C_LIBRARY = frozenset(
    "assert complex ctype dirent dlfcn elf endian errno execinfo fcntl features fenv float grp ifaddrs inttypes libgen limits "
    "link locale malloc math mntent netdb poll pthread pwd regex resolv sched semaphore setjmp signal spawn stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib string strings syscall syslog termios threads time ucontext uchar unistd utime wchar "
    "wctype".split()
)
_FOLDERS = ("arpa/", "asm/", "bits/", "linux/", "net/", "netinet/", "netpacket/", "sanitizer/", "sys/")


def is_system_header(header):
    if header.startswith(_FOLDERS):
        return True
    if header.endswith(".h"):
        return header[:-2] in _C_LIBRARY or header == "cxxabi.h"
    return "." not in header and "/" not in header  # <vector>, <cstdint>: the C++ library
