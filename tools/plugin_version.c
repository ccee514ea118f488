/* plugin_version.c - which Slurm a plugin was built for */
#include "tools/plugin_version.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file in memory, which may be cut short or no ELF at all. */
struct image {
    const unsigned char *bytes;
    size_t size;
};

static const void *part(const struct image *image, uint64_t at, uint64_t size)
{
    return at <= image->size && size <= image->size - at ? image->bytes + at : NULL;
}

static bool read_at(const struct image *image, uint64_t at, void *to, size_t size)
{
    const void *from = part(image, at, size);

    if (from)
        memcpy(to, from, size);
    return from != NULL;
}

static bool section(const struct image *image, const Elf64_Ehdr *head, uint64_t index,
                    Elf64_Shdr *to)
{
    return index < head->e_shnum && head->e_shentsize == sizeof *to &&
           head->e_shoff <= image->size &&
           read_at(image, head->e_shoff + index * sizeof *to, to, sizeof *to);
}

/* The four bytes of a symbol, from the section it lies in. */
static bool value_of(const struct image *image, const Elf64_Ehdr *head,
                     const Elf64_Sym *symbol, uint32_t *value)
{
    Elf64_Shdr home;

    return symbol->st_size == sizeof *value &&
           section(image, head, symbol->st_shndx, &home) &&
           symbol->st_value >= home.sh_addr &&
           read_at(image, home.sh_offset + (symbol->st_value - home.sh_addr), value,
                   sizeof *value);
}

static bool find_in(const struct image *image, const Elf64_Ehdr *head,
                    const Elf64_Shdr *symbols, const char *name, uint32_t *value)
{
    size_t name_size = strlen(name) + 1;
    Elf64_Shdr names;
    Elf64_Sym symbol;

    if (!section(image, head, symbols->sh_link, &names))
        return false;
    for (uint64_t at = 0; at + sizeof symbol <= symbols->sh_size; at += sizeof symbol) {
        const char *here;

        if (!read_at(image, symbols->sh_offset + at, &symbol, sizeof symbol))
            return false;
        here = part(image, names.sh_offset + symbol.st_name, name_size);
        if (here && memcmp(here, name, name_size) == 0 &&
            value_of(image, head, &symbol, value))
            return true;
    }
    return false;
}

static bool find(const struct image *image, const char *name, uint32_t *value)
{
    Elf64_Ehdr head;
    Elf64_Shdr symbols;

    if (!read_at(image, 0, &head, sizeof head) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    for (uint64_t i = 0; section(image, &head, i, &symbols); i++)
        if (symbols.sh_type == SHT_DYNSYM &&
            find_in(image, &head, &symbols, name, value))
            return true;
    return false;
}

int plugin_version_read(const char *path, uint32_t *version,
                        char why[PLUGIN_VERSION_WHY])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    struct image image = {0};
    struct stat is;

    if (fd < 0 || fstat(fd, &is) < 0) {
        snprintf(why, PLUGIN_VERSION_WHY, "%.400s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    image.size = (size_t)is.st_size;
    image.bytes =
        mmap(NULL, image.size ? image.size : 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (image.bytes != MAP_FAILED) {
        rc = find(&image, "plugin_version", version) ? 0 : -1;
        munmap((void *)(uintptr_t)image.bytes, image.size ? image.size : 1);
    }
    close(fd);
    if (rc < 0)
        snprintf(why, PLUGIN_VERSION_WHY, "%.400s is no plugin of Slurm's", path);
    return rc;
}

char *plugin_version_text(uint32_t version, char text[PLUGIN_VERSION_TEXT])
{
    snprintf(text, PLUGIN_VERSION_TEXT, "%02u.%02u.%u", version >> 16 & 255,
             version >> 8 & 255, version & 255);
    return text;
}

bool plugin_version_fits(uint32_t plugin, uint32_t slurm, bool spank)
{
    return spank ? plugin >> 8 == slurm >> 8 : plugin == slurm;
}

bool plugin_version_find(const char *folders, const char *name, char *path, size_t size)
{
    if (name[0] == '/') {
        snprintf(path, size, "%s", name);
        return access(path, F_OK) == 0;
    }
    while (*folders) {
        size_t len = strcspn(folders, ":");

        snprintf(path, size, "%.*s/%s", (int)len, folders, name);
        if (len > 0 && access(path, F_OK) == 0)
            return true;
        folders += len + (folders[len] == ':');
    }
    return false;
}

/* Plugins that no Slurm is without. */
uint32_t plugin_version_of_slurm(const char *folders)
{
    static const char *const names[] = {"select_cons_tres.so", "auth_munge.so",
                                        "sched_backfill.so", "cred_munge.so"};
    char path[1024], why[PLUGIN_VERSION_WHY];
    uint32_t version;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (plugin_version_find(folders, names[i], path, sizeof path) &&
            plugin_version_read(path, &version, why) == 0)
            return version;
    return 0;
}
