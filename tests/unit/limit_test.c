/* limit_test.c - power limits: found, named, read and set, kind by kind */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/meter/limit.h"
#include "tests/plant/gpu_state.h"
#include "tests/unit/tree.h"

#define ZONE "sys/class/powercap/intel-rapl:0/"
#define CARD "sys/class/hwmon/hwmon1/"

static struct limits limits;
static struct gpu_state *gpus;
static char why[LIMIT_WHY];

static int make(void **state)
{
    gpus = NULL;
    return tree_make(state);
}

static int unmake(void **state)
{
    limits_close(&limits);
    if (gpus)
        munmap(gpus, sizeof *gpus);
    return tree_unmake(state);
}

static void find(void)
{
    sources_default(&sources, tree_root);
    limits_open(&limits, &sources);
}

static int place(const char *name)
{
    for (int i = 0; i < limits.count; i++)
        if (strcmp(limits.item[i].name, name) == 0)
            return i;
    fail_msg("there is no %s", name);
    return -1;
}

static const struct limit *limit(const char *name)
{
    return &limits.item[place(name)];
}

/* The limit now, or -1. */
static int64_t now_mw(const char *name)
{
    int64_t mw;

    return limit_read(&limits, place(name), &mw, why) == LIMIT_OK ? mw : -1;
}

static enum limit_error set(const char *name, int64_t mw)
{
    return limit_set(&limits, place(name), mw, why);
}

static bool says(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

/* Libtool leaves the libraries below the build folder, where tests are run. */
static void put_library(const char *library, const char *name)
{
    char command[512];

    snprintf(command, sizeof command, "mkdir -p %s/usr/lib64 && cp %s %s/usr/lib64/%s",
             tree_root, library, tree_root, name);
    assert_int_equal(system(command), 0);
}

/* Cards of 100 to 300 W. */
static void put_gpus(uint32_t count)
{
    char path[256];
    int fd;

    put_library("tests/plant/.libs/libfakenvml.so", "libnvidia-ml.so.1");
    tree_path("usr/lib64/" GPU_STATE_FILE, path, sizeof path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *gpus), 0);
    gpus = mmap(NULL, sizeof *gpus, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(gpus != MAP_FAILED);
    gpus->magic = GPU_STATE_MAGIC;
    gpus->count = count;
    for (uint32_t g = 0; g < count; g++) {
        struct gpu_state_card *card = &gpus->card[g];

        snprintf(card->uuid, sizeof card->uuid, "GPU-%u", g);
        card->minor = g;
        card->min_mw = 100000;
        card->max_mw = card->default_mw = 300000;
        card->limit_mw = 300000 - g * 1000;
    }
}

/* How many sets the fake library has seen with this result. */
static int logged(const char *rc)
{
    char path[256], line[512];
    FILE *log;
    int count = 0;

    tree_path("usr/lib64/" GPU_STATE_LOG, path, sizeof path);
    log = fopen(path, "re");
    while (log && fgets(line, sizeof line, log))
        count += strstr(line, rc) != NULL;
    if (log)
        fclose(log);
    return count;
}

static void fitting(void **state)
{
    static const struct {
        int64_t asked, fits;
    } cases[] = {{0, 100500},      {100500, 100500}, {100999, 100500}, {101000, 101000},
                 {249999, 249000}, {250000, 250000}, {300249, 300000}, {300250, 300250},
                 {900000, 300250}, {-5, 100500}};
    const struct limit odd = {.min_mw = 100500,
                              .max_mw = 300250,
                              .step_mw = 1000,
                              .default_mw = LIMIT_UNKNOWN};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(limit_fitting(&odd, cases[i].asked), cases[i].fits);
}

static void nvml_by_minor_number(void **state)
{
    (void)state;
    put_gpus(3);
    find();
    assert_int_equal(limits.count, 3);
    for (int g = 0; g < 3; g++) {
        char name[16], id[16];

        snprintf(name, sizeof name, "gpu-%d", g);
        snprintf(id, sizeof id, "nvml:GPU-%d", g);
        assert_string_equal(limit(name)->id, id);
        assert_int_equal(limit(name)->index, g);
        assert_int_equal(limit(name)->slices, 1);
        assert_int_equal(limit(name)->of, COUNTER_GPU);
        assert_int_equal(limit(name)->min_mw, 100000);
        assert_int_equal(limit(name)->max_mw, 300000);
        assert_int_equal(limit(name)->default_mw, 300000);
        assert_string_equal(limit(name)->why, "");
        assert_int_equal(now_mw(name), 300000 - g * 1000);
    }
    assert_int_equal(set("gpu-1", 250000), LIMIT_OK);
    assert_string_equal(why, "");
    assert_int_equal(gpus->card[1].limit_mw, 250000);
    assert_int_equal(gpus->card[0].limit_mw, 300000);
    assert_int_equal(now_mw("gpu-1"), 250000);
}

/* The counters of the same devices have the same names and places. */
static void named_as_their_counters(void **state)
{
    (void)state;
    put_gpus(3);
    gpus->card[0].instances = 2;
    gpus->card[1].flags = GPU_STATE_NO_LIMIT;
    tree_put(ZONE "name", "package-0\n");
    tree_put(ZONE "energy_uj", "1\n");
    tree_put(ZONE "max_energy_range_uj", "1000000\n");
    tree_put(ZONE "constraint_0_name", "long_term\n");
    tree_put(ZONE "constraint_0_max_power_uw", "200000000\n");
    tree_put(ZONE "constraint_0_power_limit_uw", "200000000\n");
    tree_put("sys/class/hwmon/hwmon7/name", "i915\n");
    tree_put("sys/class/hwmon/hwmon7/energy1_input", "5\n");
    tree_put("sys/class/hwmon/hwmon7/power1_max", "100000000\n");
    tree_put("sys/class/hwmon/hwmon7/power1_rated_max", "150000000\n");
    find();
    counters_open(&counters, &sources);
    assert_int_equal(limits.count, counters.count);
    for (int i = 0; i < limits.count; i++) {
        const struct counter *counter = tree_counter(limits.item[i].name);

        assert_int_equal(counter->index, limits.item[i].index);
        assert_int_equal(counter->kind, limits.item[i].of);
        if (limits.item[i].of == COUNTER_GPU)
            assert_int_equal(counter->slices, limits.item[i].slices);
    }
    assert_int_equal(limit("gpu-3")->slices, 1); /* behind two instances and a GPU */
    assert_int_equal(limit("hwmon-gpu-0")->kind, LIMIT_HWMON);
}

/* A cut-up GPU's limit is all its instances'. */
static void nvml_instances(void **state)
{
    (void)state;
    put_gpus(3);
    gpus->card[1].instances = 3;
    find();
    assert_int_equal(limits.count, 3);
    assert_int_equal(limit("gpu-1")->slices, 3);
    assert_string_equal(limit("gpu-4")->id, "nvml:GPU-2");
    assert_int_equal(set("gpu-1", 150000), LIMIT_OK);
    assert_int_equal(gpus->card[1].limit_mw, 150000);
}

static void never_out_of_range(void **state)
{
    static const int64_t wild[] = {0,         -1,        99999,
                                   300001,    150,       1 << 30,
                                   INT64_MAX, INT64_MIN, (INT64_C(1) << 32) + 200000};

    (void)state;
    put_gpus(1);
    find();
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        assert_int_equal(set("gpu-0", wild[i]), LIMIT_RANGE);
        assert_true(says(why, "outside the 100000 to 300000 mW"));
    }
    assert_int_equal(logged("\"rc\""), 0);
    assert_int_equal(set("gpu-0", 100000), LIMIT_OK);
    assert_int_equal(set("gpu-0", 300000), LIMIT_OK);
    assert_int_equal(set("gpu-0", 123456), LIMIT_OK); /* as it may have been found */
    assert_int_equal(logged("\"rc\":0,"), 3);
}

static void nvml_errors(void **state)
{
    static const struct {
        uint32_t flag;
        enum limit_error read, set;
        const char *says;
    } cases[] = {
        {GPU_STATE_REFUSE, LIMIT_OK, LIMIT_PERMISSION, "Insufficient Permissions"},
        {GPU_STATE_LOST, LIMIT_LOST, LIMIT_LOST, "GPU is lost"},
        {GPU_STATE_FAIL, LIMIT_FAILED, LIMIT_FAILED, "Unknown Error"},
        {GPU_STATE_STUBBORN, LIMIT_OK, LIMIT_FAILED, "its limit reads 300000 mW"},
        {GPU_STATE_COARSE, LIMIT_OK, LIMIT_OK, "its limit reads 196000 mW"},
    };
    int64_t mw;

    (void)state;
    put_gpus(1);
    find();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gpus->card[0].flags = cases[i].flag;
        assert_int_equal(limit_read(&limits, 0, &mw, why), cases[i].read);
        assert_int_equal(set("gpu-0", 200000), cases[i].set);
        assert_true(says(why, cases[i].says));
        gpus->card[0].flags = 0;
    }
    assert_int_equal(now_mw("gpu-0"), 196000);
}

/* What cannot be set from the start says why, and is never called. */
static void nvml_left_alone(void **state)
{
    (void)state;
    put_gpus(4);
    gpus->card[0].flags = GPU_STATE_NO_LIMIT;
    gpus->card[1].flags = GPU_STATE_LOST;
    gpus->card[2].min_mw = gpus->card[2].max_mw = gpus->card[2].limit_mw = 250000;
    find();
    assert_int_equal(limits.count, 4);
    assert_true(says(limit("gpu-0")->why, "Not Supported"));
    assert_int_not_equal(set("gpu-0", 200000), LIMIT_OK);
    assert_true(says(limit("gpu-1")->why, "GPU is lost"));
    assert_int_equal(set("gpu-1", 200000), LIMIT_LOST);
    assert_true(says(limit("gpu-2")->why, "fixed at 250 W"));
    assert_int_equal(set("gpu-2", 250000), LIMIT_PERMISSION);
    assert_string_equal(limit("gpu-3")->why, "");
    assert_int_equal(logged("\"rc\""), 0);
}

/* A library that cannot be read for a moment is not left alone for good. */
static void nvml_fails_at_first(void **state)
{
    (void)state;
    put_gpus(1);
    find();
    limits_close(&limits);
    gpus->card[0].flags = GPU_STATE_FAIL;
    find();
    assert_int_equal(set("gpu-0", 200000), LIMIT_FAILED);
    limits_close(&limits);
    gpus->card[0].flags = 0;
    find();
    assert_int_equal(set("gpu-0", 200000), LIMIT_OK);
}

/* The energy counters' thread has the library too; neither closes it for the other. */
static void nvml_beside_the_counters(void **state)
{
    (void)state;
    put_gpus(2);
    find();
    counters_open(&counters, &sources);
    limits_close(&limits);
    assert_true(tree_uj("gpu-0", 1) >= 0);
    find();
    counters_close(&counters);
    assert_int_equal(set("gpu-1", 222000), LIMIT_OK);
    assert_int_equal(now_mw("gpu-1"), 222000);
}

static void *rsmi_function(const char *name)
{
    char path[256];
    void *library, *function;

    tree_path("usr/lib64/librocm_smi64.so.1", path, sizeof path);
    library = dlopen(path, RTLD_NOW);
    assert_non_null(library);
    function = dlsym(library, name);
    assert_non_null(function);
    dlclose(library);
    return function;
}

static uint64_t rsmi_capped(uint32_t device, int *calls, int *wild)
{
    uint64_t (*capped)(uint32_t, int *, int *);

    *(void **)&capped = rsmi_function("fake_rsmi_capped");
    return capped(device, calls, wild);
}

static void rsmi_caps(void **state)
{
    int calls, wild;

    (void)state;
    put_library("tests/unit/.libs/libfakersmi.so", "librocm_smi64.so.1");
    find();
    assert_int_equal(limits.count, 2);
    /* The library's device 0 has the higher render node; it tells no minimum. */
    assert_string_equal(limit("gpu-1")->id, "rsmi:GPU-abc0000000000000");
    assert_int_equal(limit("gpu-1")->min_mw, 140000);
    assert_int_equal(limit("gpu-1")->max_mw, 560000);
    assert_int_equal(limit("gpu-1")->default_mw, 560000);
    assert_int_equal(limit("gpu-0")->min_mw, 100000);
    assert_int_equal(now_mw("gpu-0"), 250000);
    assert_int_equal(set("gpu-0", 123000), LIMIT_OK);
    assert_string_equal(why, "");
    assert_int_equal(rsmi_capped(1, &calls, &wild), 123000000);
    assert_int_equal(set("gpu-0", 99000), LIMIT_RANGE);
    assert_int_equal(set("gpu-1", 0), LIMIT_RANGE);
    assert_int_equal(set("gpu-0", 200500), LIMIT_OK);
    assert_true(says(why, "reads 200000 mW"));
    rsmi_capped(1, &calls, &wild);
    assert_int_equal(calls, 2);
    assert_int_equal(wild, 0);
}

static void rsmi_errors(void **state)
{
    void (*cap)(uint32_t, uint64_t, uint64_t, uint64_t, int);
    void *library;
    char path[256];

    (void)state;
    put_library("tests/unit/.libs/libfakersmi.so", "librocm_smi64.so.1");
    /* Held, so that what is set below stays over closing and opening. */
    tree_path("usr/lib64/librocm_smi64.so.1", path, sizeof path);
    library = dlopen(path, RTLD_NOW);
    *(void **)&cap = rsmi_function("fake_rsmi_cap");
    cap(0, 0, 0, 0, 0);                         /* a module's second GPU */
    cap(1, 100000000, 300000000, 300000000, 4); /* RSMI_STATUS_PERMISSION */
    find();
    assert_true(says(limit("gpu-1")->why, "its module's first GPU has it"));
    assert_int_equal(set("gpu-1", 200000), LIMIT_PERMISSION);
    assert_int_equal(set("gpu-0", 200000), LIMIT_PERMISSION);
    cap(1, 100000000, 300000000, 300000000, 16); /* RSMI_STATUS_BUSY */
    assert_int_equal(set("gpu-0", 200000), LIMIT_FAILED);
    assert_int_equal(now_mw("gpu-0"), 300000);
    dlclose(library);
}

static void put_amdgpu(const char *hwmon, int render, const char *cap)
{
    const struct {
        const char *file, *text;
    } files[] = {{"name", "amdgpu\n"},
                 {"power1_average", "90000000\n"},
                 {"power1_cap", cap},
                 {"power1_cap_min", "0\n"},
                 {"power1_cap_max", "400000000\n"},
                 {"power1_cap_default", "360000000\n"}};
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "sys/class/hwmon/%s/%s", hwmon, files[i].file);
        tree_put(path, files[i].text);
    }
    snprintf(path, sizeof path, "sys/class/hwmon/%s/device/drm/renderD%d/dev", hwmon,
             render);
    tree_put(path, "226:1\n");
}

static void hwmon_amdgpu(void **state)
{
    (void)state;
    put_amdgpu("hwmon1", 130, "360000000\n");
    put_amdgpu("hwmon2", 128, "200000000\n");
    find();
    assert_int_equal(limits.count, 2);
    assert_string_equal(limit("gpu-1")->id, "hwmon:renderD130");
    assert_int_equal(limit("gpu-0")->min_mw, 100000);
    assert_int_equal(limit("gpu-0")->max_mw, 400000);
    assert_int_equal(limit("gpu-0")->default_mw, 360000);
    assert_int_equal(now_mw("gpu-0"), 200000);
    assert_int_equal(set("gpu-0", 90000), LIMIT_RANGE);
    assert_int_equal(set("gpu-0", 300000), LIMIT_OK);
    assert_int_equal(now_mw("gpu-0"), 300000);
    assert_int_equal(now_mw("gpu-1"), 360000);
    tree_remove("sys/class/hwmon/hwmon2/power1_cap");
    assert_int_equal(set("gpu-0", 300000), LIMIT_LOST);
}

/* ROCm SMI and amdgpu tell of the same card: once. One that ROCm SMI does not know
 * stays. */
static void one_gpu_of_two_kinds(void **state)
{
    (void)state;
    put_library("tests/unit/.libs/libfakersmi.so", "librocm_smi64.so.1");
    put_amdgpu("hwmon1", 128, "360000000\n");
    put_amdgpu("hwmon2", 129, "360000000\n");
    put_amdgpu("hwmon3", 130, "360000000\n");
    find();
    assert_int_equal(limits.count, 3);
    assert_int_equal(limit("gpu-0")->kind, LIMIT_RSMI);
    assert_int_equal(limit("gpu-1")->kind, LIMIT_RSMI);
    assert_int_equal(limit("gpu-2")->kind, LIMIT_HWMON);
    limits_close(&limits);
    tree_remove("sys/class/hwmon/hwmon3/power1_cap");
    find();
    assert_int_equal(limits.count, 2);
    assert_true(says(limits.absent[LIMIT_HWMON], "no other kind has"));
    limits_close(&limits);
    sources.use[SOURCE_RSMI] = false;
    limits_open(&limits, &sources);
    assert_int_equal(limits.count, 2);
    assert_int_equal(limit("gpu-0")->kind, LIMIT_HWMON);
    assert_true(says(limits.absent[LIMIT_RSMI], "the list of sources says so"));
}

static void hwmon_intel(void **state)
{
    char from[256], to[256];

    (void)state;
    /* i915: the card's; xe: only the package's, known by its place on the bus */
    tree_put(CARD "name", "i915\n");
    tree_put(CARD "energy1_input", "5\n");
    tree_put(CARD "power1_max", "150000000\n");
    tree_put(CARD "power1_rated_max", "300000000\n");
    tree_put("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2/name", "xe\n");
    tree_put("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2/energy2_input", "5\n");
    tree_put("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2/power2_max", "190000000\n");
    tree_put("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2/power2_rated_max",
             "190000000\n");
    tree_path("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2", to, sizeof to);
    tree_path("sys/class/hwmon/hwmon2", from, sizeof from);
    assert_int_equal(symlink(to, from), 0);
    tree_path("sys/devices/pci0/0000:4d:00.0/hwmon/hwmon2/device", from, sizeof from);
    assert_int_equal(symlink("../..", from), 0);
    find();
    assert_int_equal(limits.count, 2);
    assert_int_equal(limit("gpu-0")->min_mw, 75000);
    assert_int_equal(limit("gpu-0")->default_mw, 300000);
    assert_string_equal(limit("gpu-1")->id, "hwmon:0000:4d:00.0");
    assert_int_equal(set("gpu-1", 100000), LIMIT_OK);
    assert_int_equal(now_mw("gpu-1"), 100000);
    /* 0 would switch it off */
    assert_int_equal(set("gpu-0", 0), LIMIT_RANGE);
    assert_int_equal(now_mw("gpu-0"), 150000);
}

/* Another device may get the number when a driver is loaded again: it is not touched.
 */
static void hwmon_number_of_another(void **state)
{
    char from[256], to[256];

    (void)state;
    tree_put("sys/devices/a/hwmon/hwmon1/name", "i915\n");
    tree_put("sys/devices/a/hwmon/hwmon1/power1_max", "150000000\n");
    tree_put("sys/devices/a/hwmon/hwmon1/power1_rated_max", "300000000\n");
    tree_put("sys/devices/b/hwmon/hwmon1/power1_max", "99000000\n");
    tree_put("sys/class/hwmon/none", "");
    tree_path("sys/devices/a/hwmon/hwmon1", to, sizeof to);
    tree_path("sys/class/hwmon/hwmon1", from, sizeof from);
    assert_int_equal(symlink(to, from), 0);
    find();
    assert_int_equal(now_mw("gpu-0"), 150000);
    tree_remove("sys/devices/a/hwmon/hwmon1/power1_max");
    unlink(from);
    tree_path("sys/devices/b/hwmon/hwmon1", to, sizeof to);
    assert_int_equal(symlink(to, from), 0);
    assert_int_equal(set("gpu-0", 200000), LIMIT_LOST);
    assert_int_equal(now_mw("gpu-0"), -1);
}

static void put_zone(const char *enabled, const char *limit_uw, const char *most_uw)
{
    tree_put(ZONE "name", "package-0\n");
    tree_put(ZONE "enabled", enabled);
    tree_put(ZONE "constraint_0_name", "short_term\n");
    tree_put(ZONE "constraint_0_power_limit_uw", "246000000\n");
    tree_put(ZONE "constraint_1_name", "long_term\n");
    tree_put(ZONE "constraint_1_max_power_uw", most_uw);
    tree_put(ZONE "constraint_1_power_limit_uw", limit_uw);
}

static void powercap_package(void **state)
{
    (void)state;
    put_zone("1\n", "220000000\n", "205000000\n");
    tree_put("sys/class/powercap/intel-rapl:0:0/name", "dram\n");
    tree_put("sys/class/powercap/intel-rapl:0:0/constraint_0_name", "long_term\n");
    tree_put("sys/class/powercap/intel-rapl-mmio:0/name", "package-0\n");
    tree_put("sys/class/powercap/intel-rapl-mmio:0/constraint_0_name", "long_term\n");
    tree_put("sys/class/powercap/intel-rapl:1/name", "psys\n");
    tree_put("sys/class/powercap/intel-rapl:1/constraint_0_name", "long_term\n");
    find();
    assert_int_equal(limits.count, 1);
    assert_string_equal(limit("package-0")->id, "powercap:intel-rapl:0");
    assert_int_equal(limit("package-0")->of, COUNTER_PACKAGE);
    assert_int_equal(limit("package-0")->index, -1);
    assert_int_equal(limit("package-0")->default_mw, LIMIT_UNKNOWN);
    /* a quarter of the nominal power, up to the short-term limit */
    assert_int_equal(limit("package-0")->min_mw, 52000);
    assert_int_equal(limit("package-0")->max_mw, 246000);
    assert_int_equal(set("package-0", 51000), LIMIT_RANGE);
    assert_int_equal(set("package-0", 95000), LIMIT_OK);
    assert_int_equal(now_mw("package-0"), 95000);
    /* the range is the same however low it is found, so what was can be put back */
    limits_close(&limits);
    find();
    assert_int_equal(set("package-0", 220000), LIMIT_OK);
    assert_int_equal(now_mw("package-0"), 220000);
}

/* Limits that are there and are left alone, and why. */
static void powercap_left_alone(void **state)
{
    static const struct {
        const char *enabled, *now, *most, *says;
    } cases[] = {
        {"0\n", "200000000\n", "205000000\n", "not in force"},
        {"1\n", "200000000\n", "0\n", "no range"},
        {"1\n", "200000000\n", "junk\n", "no range"},
        {"1\n", "0\n", "205000000\n", "switched off"},
        {"1\n", "300000000\n", "205000000\n", "could not be put back"},
        {"1\n", "20000000\n", "205000000\n", "could not be put back"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_zone(cases[i].enabled, cases[i].now, cases[i].most);
        find();
        assert_true(says(limit("package-0")->why, cases[i].says));
        assert_int_equal(set("package-0", 150000), LIMIT_PERMISSION);
        assert_int_equal(now_mw("package-0") * 1000, atoll(cases[i].now));
        limits_close(&limits);
    }
}

/* Not a number, switched off or out of range since it was opened: not touched. */
static void changed_meanwhile(void **state)
{
    static const struct {
        const char *now;
        enum limit_error set;
    } cases[] = {{"", LIMIT_FAILED},
                 {"12x\n", LIMIT_FAILED},
                 {"-5\n", LIMIT_FAILED},
                 {"0\n", LIMIT_PERMISSION},
                 {"999000000\n", LIMIT_PERMISSION},
                 {"123456789\n", LIMIT_OK}};

    (void)state;
    put_zone("1\n", "200000000\n", "205000000\n");
    find();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tree_put(ZONE "constraint_1_power_limit_uw", cases[i].now);
        assert_int_equal(set("package-0", 150000), cases[i].set);
        assert_true(cases[i].set == LIMIT_OK || why[0]);
    }
    assert_int_equal(now_mw("package-0"), 150000);
}

static void shown_and_not_settable(void **state)
{
    char path[256];

    (void)state;
    put_zone("1\n", "200000000\n", "205000000\n");
    tree_path(ZONE "constraint_1_power_limit_uw", path, sizeof path);
    assert_int_equal(chmod(path, 0444), 0);
    find();
    assert_true(says(limit("package-0")->why, "lets nobody set it"));
    assert_int_equal(set("package-0", 150000), LIMIT_PERMISSION);
    assert_int_equal(now_mw("package-0"), 200000);
}

static void nothing_there(void **state)
{
    (void)state;
    find();
    assert_int_equal(limits.count, 0);
    assert_string_equal(limits.absent[LIMIT_NVML], "there is no libnvidia-ml.so.1");
    assert_string_equal(limits.absent[LIMIT_RSMI], "there is no librocm_smi64.so.1");
    assert_string_equal(limits.absent[LIMIT_HWMON], "there is no sys/class/hwmon");
    assert_string_equal(limits.absent[LIMIT_POWERCAP],
                        "there is no sys/class/powercap");
    assert_string_equal(limit_kind_name(LIMIT_POWERCAP), "powercap");
}

#define LIMITS(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitting),
        LIMITS(nvml_by_minor_number),
        LIMITS(named_as_their_counters),
        LIMITS(nvml_instances),
        LIMITS(never_out_of_range),
        LIMITS(nvml_errors),
        LIMITS(nvml_left_alone),
        LIMITS(nvml_fails_at_first),
        LIMITS(nvml_beside_the_counters),
        LIMITS(rsmi_caps),
        LIMITS(rsmi_errors),
        LIMITS(hwmon_amdgpu),
        LIMITS(one_gpu_of_two_kinds),
        LIMITS(hwmon_intel),
        LIMITS(hwmon_number_of_another),
        LIMITS(powercap_package),
        LIMITS(powercap_left_alone),
        LIMITS(changed_meanwhile),
        LIMITS(shown_and_not_settable),
        LIMITS(nothing_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
