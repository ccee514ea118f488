/* meter_gpu_test.c - NVML and ROCm SMI through libraries with their ABI */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/counter.h"
#include "plugin/meter/driver.h"
#include "plugin/meter/sources.h"
#include "tests/plant/gpu_state.h"

static char folder[] = "/tmp/kwota-gpu-test-XXXXXX";
static struct gpu_state *gpus;
static struct sources sources;
static struct counters counters;

/* Libtool leaves the libraries below the build folder, where tests are run. */
static void copy(const char *library, const char *name)
{
    char command[512];

    snprintf(command, sizeof command, "cp %s %s/%s", library, folder, name);
    assert_int_equal(system(command), 0);
}

static int make_gpus(void **state)
{
    char path[128];
    int fd;

    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    copy("tests/plant/.libs/libfakenvml.so", "libnvidia-ml.so.1");
    snprintf(path, sizeof path, "%s/%s", folder, GPU_STATE_FILE);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *gpus), 0);
    gpus = mmap(NULL, sizeof *gpus, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(gpus != MAP_FAILED);
    gpus->magic = GPU_STATE_MAGIC;
    gpus->count = 3;
    for (uint32_t g = 0; g < 3; g++) {
        snprintf(gpus->card[g].uuid, sizeof gpus->card[g].uuid, "GPU-%u", g);
        gpus->card[g].minor = g;
        gpus->card[g].energy_mj = 1000 * (g + 1);
        gpus->card[g].power_mw = 50000;
    }
    return 0;
}

static void find(enum counter_source source, const char *library)
{
    sources_default(&sources, folder);
    for (int s = 0; s < SOURCES; s++)
        sources.use[s] = s == (int)source;
    sources.sample_ms = 100;
    snprintf(sources.library[source], sizeof sources.library[source], "%s/%s", folder,
             library);
    counters_open(&counters, &sources);
}

static int remove_gpus(void **state)
{
    char command[128];

    (void)state;
    counters_close(&counters);
    munmap(gpus, sizeof *gpus);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int place(const char *name)
{
    for (int c = 0; c < counters.count; c++)
        if (strcmp(counters.item[c].name, name) == 0)
            return c;
    fail_msg("there is no %s", name);
    return -1;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The reading, or -1. */
static int64_t read_uj(const char *name)
{
    const struct counter *counter = &counters.item[place(name)];
    struct counter_reading reading;
    int rc, tries = 0;

    /* A thread that was not let run for a tenth of a second has not answered. */
    do {
        counters_begin(&counters, now_ns());
        rc = counters_read(&counters, place(name), now_ns(), &reading);
    } while (rc < 0 && tries++ < 100 &&
             (strcmp(counter->reason, "nvml does not answer") == 0 ||
              strcmp(counter->reason, "rsmi does not answer") == 0));
    return rc < 0 ? -1 : reading.uj;
}

static void nvml_by_minor_number(void **state)
{
    (void)state;
    find(SOURCE_NVML, "libnvidia-ml.so.1");
    assert_int_equal(counters.count, 3);
    for (int g = 0; g < 3; g++) {
        char name[16], uuid[16];

        snprintf(name, sizeof name, "gpu-%d", g);
        snprintf(uuid, sizeof uuid, "GPU-%d", g);
        assert_string_equal(counters.item[place(name)].uuid, uuid);
        assert_int_equal(counters.item[place(name)].index, g);
        assert_int_equal(read_uj(name), 1000000 * (g + 1));
        assert_false(counters.item[place(name)].integrated);
    }
}

static void nvml_instances(void **state)
{
    const struct counter *cut;

    (void)state;
    gpus->card[1].instances = 3;
    gpus->card[1].instance_slices[0] = 3;
    gpus->card[1].instance_slices[1] = 2;
    gpus->card[1].instance_slices[2] = 1;
    find(SOURCE_NVML, "libnvidia-ml.so.1");
    /* minor 0 is place 0, the three instances 1 to 3, minor 2 is place 4 */
    cut = &counters.item[place("gpu-1")];
    assert_int_equal(cut->slices, 3);
    assert_int_equal(cut->slices_whole, 7);
    assert_int_equal(cut->slice_weight[0], 3);
    assert_int_equal(cut->slice_weight[2], 1);
    assert_string_equal(counters.item[place("gpu-4")].uuid, "GPU-2");
}

static void nvml_lost_and_power_only(void **state)
{
    int64_t first;

    (void)state;
    gpus->card[2].flags = GPU_STATE_NO_ENERGY;
    find(SOURCE_NVML, "libnvidia-ml.so.1");
    assert_true(counters.item[place("gpu-2")].integrated);
    first = read_uj("gpu-2");
    assert_true(first >= 0);
    while (read_uj("gpu-2") < first + 1000000) /* 1 J of 50 W */
        usleep(5000);
    gpus->card[0].flags = GPU_STATE_LOST;
    assert_int_equal(read_uj("gpu-0"), -1);
    assert_non_null(strstr(counters.item[place("gpu-0")].reason, "GPU is lost"));
    assert_int_equal(read_uj("gpu-1"), 2000000);
    gpus->card[0].flags = 0;
    assert_int_equal(read_uj("gpu-0"), 1000000);
}

/* NVML's order runs against the minor numbers. */
static void nvml_lost_before_it_was_seen(void **state)
{
    (void)state;
    gpus->card[1].flags = GPU_STATE_LOST;
    find(SOURCE_NVML, "libnvidia-ml.so.1");
    assert_string_equal(counters.item[place("gpu-0")].uuid, "GPU-0");
    assert_string_equal(counters.item[place("gpu-1")].uuid, "");
    assert_string_equal(counters.item[place("gpu-2")].uuid, "GPU-2");
}

static void nvml_without_its_driver(void **state)
{
    (void)state;
    gpus->magic = 0;
    find(SOURCE_NVML, "libnvidia-ml.so.1");
    assert_int_equal(counters.count, 0);
    assert_non_null(strstr(counters.absent[SOURCE_NVML], "Driver Not Loaded"));
}

static void no_library(void **state)
{
    (void)state;
    find(SOURCE_NVML, "nothing.so");
    assert_non_null(strstr(counters.absent[SOURCE_NVML], "cannot be loaded"));
}

static void rsmi_energy_and_power(void **state)
{
    void (*set)(uint64_t, float, int);
    char path[128];
    void *library;

    (void)state;
    copy("tests/unit/.libs/libfakersmi.so", "librocm_smi64.so.1");
    find(SOURCE_RSMI, "librocm_smi64.so.1");
    assert_int_equal(counters.count, 2);
    /* library's device 0 has the higher render node */
    assert_string_equal(counters.item[place("gpu-1")].uuid, "GPU-abc0000000000000");
    assert_int_equal(read_uj("gpu-1"), 15258789); /* 10^6 counts */
    assert_true(counters.item[place("gpu-0")].integrated);
    assert_true(read_uj("gpu-0") >= 0);
    snprintf(path, sizeof path, "%s/librocm_smi64.so.1", folder);
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    *(void **)&set = dlsym(library, "fake_rsmi_set");
    assert_non_null(set);
    set(5, 0.0F, 0);
    assert_int_equal(read_uj("gpu-1"), -1);
    assert_non_null(strstr(counters.item[place("gpu-1")].reason, "resolution"));
    set(5, 15.2587890625F, 1);
    assert_int_equal(read_uj("gpu-1"), -1);
    assert_non_null(strstr(counters.item[place("gpu-1")].reason, "does not answer"));
    set(2000000, 15.2587890625F, 0);
    assert_int_equal(read_uj("gpu-1"), 30517578);
    dlclose(library);
}

#define GPUS(test) cmocka_unit_test_setup_teardown(test, make_gpus, remove_gpus)

int main(void)
{
    /* A library that was loaded stays loaded until its driver ends well: none first. */
    const struct CMUnitTest tests[] = {
        GPUS(no_library),
        GPUS(nvml_by_minor_number),
        GPUS(nvml_instances),
        GPUS(nvml_lost_and_power_only),
        GPUS(nvml_lost_before_it_was_seen),
        GPUS(rsmi_energy_and_power),
        GPUS(nvml_without_its_driver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
