/* setup.c - kwota setup: what a plain Slurm's files need so that kwota works, and back
 */
#include "config.h"

#include <argp.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/slurm_place.h"
#include "policy/configuration.h"
#include "tools/command.h"
#include "tools/conf_save.h"
#include "tools/plugin_place.h"
#include "tools/plugin_version.h"
#include "tools/setup_plan.h"

/* Without it nothing else of kwota's is of use to slurmctld. */
#define SUBMIT "job_submit_kwota.so"

struct wish {
    const char *slurm_conf, *server, *plugin_dir, *spank;
    bool apply, remove, slurm_energy;
};

enum {
    OPT_CONF = 256,
    OPT_APPLY,
    OPT_REMOVE,
    OPT_SERVER,
    OPT_PLUGINS,
    OPT_SPANK,
    OPT_ENERGY
};

static const struct argp_option options[] = {
    {"apply", OPT_APPLY, 0, 0,
     "make the changes; each file's old one is kept beside it", 0},
    {"remove", OPT_REMOVE, 0, 0, "the way back: what kwota needs is taken out", 0},
    {"slurm-conf", OPT_CONF, "PATH", 0, "slurm.conf [SLURM_CONF, or Slurm's own]", 0},
    {"server", OPT_SERVER, "LIST", 0,
     "kwotad's hosts and port [kwota.json's, or Slurm's controllers, port 6828]", 0},
    {"plugin-dir", OPT_PLUGINS, "DIR", 0,
     "where kwota's plugins are [" KWOTA_PLUGINDIR "]", 0},
    {"spank", OPT_SPANK, "ARGUMENTS", 0,
     "more arguments for spank_kwota.so: \"run=DIR timeout=3s\"", 0},
    {"slurm-energy", OPT_ENERGY, 0, 0,
     "kwota answers for Slurm's own energy figures, too (sacct, sreport)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wish *a = state->input;

    switch (key) {
    case OPT_APPLY:
        a->apply = true;
        return 0;
    case OPT_REMOVE:
        a->remove = true;
        return 0;
    case OPT_CONF:
        a->slurm_conf = arg;
        return 0;
    case OPT_SERVER:
        a->server = arg;
        return 0;
    case OPT_PLUGINS:
        a->plugin_dir = arg;
        return 0;
    case OPT_SPANK:
        a->spank = arg;
        return 0;
    case OPT_ENERGY:
        a->slurm_energy = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is too much", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* All that is read, and texts that the facts borrow. */
struct place {
    struct slurm_conf conf;
    struct plugstack stack;
    struct conf_file kwota;
    struct configuration *said; /* kwota.json's, if there is one */
    char slurm_dirs[PLUGIN_PLACE], server[SETUP_SERVER];
};

static const char *said(const struct place *place, const char *key,
                        const char *otherwise)
{
    const char *value =
        place->said ? json_string_value(configuration_top(place->said, key).json)
                    : NULL;

    return value ? value : otherwise;
}

static int refuse(const char *why)
{
    fprintf(stderr, "kwota setup: %s\n", why);
    return -1;
}

static int read_place(struct place *place, const struct wish *a)
{
    char conf[SLURM_PLACE], stack[SLURM_PLACE], why[CONF_FILE_WHY];

    if (slurm_conf_read(&place->conf,
                        a->slurm_conf ? a->slurm_conf : slurm_place_conf(conf)) < 0 ||
        place->conf.why[0]) {
        refuse(place->conf.why);
        return refuse("slurm.conf is where SLURM_CONF or --slurm-conf says");
    }
    if (plugstack_read(&place->stack, slurm_place_plugstack(&place->conf, stack)) < 0)
        return refuse(place->stack.why);
    if (conf_file_read(&place->kwota, slurm_place_kwota(), why) < 0)
        return refuse(why);
    if (place->kwota.there)
        place->said = configuration_read(slurm_place_kwota());
    return 0;
}

/* kwota's own folder, unless Slurm looks there already or nothing of kwota is there. */
static const char *kwota_dir(const char *dirs, const struct wish *a)
{
    const char *dir = a->plugin_dir ? a->plugin_dir : KWOTA_PLUGINDIR;
    char path[SLURM_PLACE];

    if (a->remove)
        return plugin_version_of_slurm(dir) ? NULL : dir;
    return !plugin_version_find(dirs, SUBMIT, path, sizeof path) &&
                   plugin_version_find(dir, SUBMIT, path, sizeof path)
               ? dir
               : NULL;
}

static bool is_there(const char *dirs, const char *dir, const char *name)
{
    char path[SLURM_PLACE];

    return plugin_version_find(dirs, name, path, sizeof path) ||
           (dir && plugin_version_find(dir, name, path, sizeof path));
}

/* slurmctld does not start with a plugin that is not there. On other hosts, which have
 * the controller's slurm.conf, it need not be. */
static int check_there(const struct place *place, const struct wish *a,
                       const struct setup_facts *facts, const char *dirs)
{
    if (a->remove || is_there(dirs, facts->kwota_dir, SUBMIT) ||
        setup_submits(&place->conf))
        return 0;
    fprintf(stderr,
            "kwota setup: there is no " SUBMIT
            " in %s nor in %s, and slurmctld would not "
            "start: install kwota's plugins on this host, or say --plugin-dir\n",
            dirs, a->plugin_dir ? a->plugin_dir : KWOTA_PLUGINDIR);
    return -1;
}

static int find_facts(struct place *place, const struct wish *a,
                      struct setup_facts *facts)
{
    const char *dirs;

    plugin_place(place->slurm_dirs);
    dirs = slurm_conf_or(&place->conf, "PluginDir", place->slurm_dirs);
    *facts = (struct setup_facts){
        .slurm_dirs = place->slurm_dirs,
        .kwota_dir = kwota_dir(dirs, a),
        .server = a->server ? a->server
                            : said(place, "server",
                                   setup_server(&place->conf, place->server)),
        .spool = said(place, "spool", KWOTA_SPOOLDIR),
        .spank = a->spank ? a->spank : "",
        .slurm_energy = a->slurm_energy,
    };
    facts->has_jobcomp = is_there(dirs, facts->kwota_dir, "jobcomp_kwota.so");
    if (access(KWOTA_JOBCOMP_SCRIPT, X_OK) == 0)
        facts->jobcomp_script = KWOTA_JOBCOMP_SCRIPT;
    return check_there(place, a, facts, dirs);
}

static void print_notes(const struct setup *setup, enum setup_kind kind,
                        const char *headline)
{
    bool any = false;

    for (int i = 0; i < setup->count; i++) {
        if (setup->notes[i].kind != kind)
            continue;
        if (!any)
            printf("\n%s\n", headline);
        any = true;
        printf("  - %s\n", setup->notes[i].text);
    }
}

/* Whose kwotad is. */
static const struct passwd *kwotad_user(const struct place *place)
{
    return getpwnam(slurm_conf_or(&place->conf, "SlurmUser", "root"));
}

static int save(const struct conf_file *file, uid_t owner, gid_t group)
{
    char backup[CONF_SAVE_BACKUP], why[CONF_FILE_WHY];

    if (!conf_file_changed(file))
        return 0;
    if (conf_save(file, owner, group, backup, why) < 0)
        return refuse(why);
    printf("%s is written%s%s\n", file->path, backup[0] ? "; as it was: " : "", backup);
    return 0;
}

/* slurm.conf last: until it is there nothing has changed for Slurm. */
static int apply(struct place *place, const struct setup_facts *facts, bool is_removal)
{
    const struct passwd *user = kwotad_user(place);
    uid_t uid = user ? user->pw_uid : 0;
    gid_t gid = user ? user->pw_gid : 0;

    /* Where slurm.conf is as it should be, kwotad is on another host. */
    if (!is_removal && slurm_conf_changed(&place->conf) &&
        mkdir(facts->spool, 0700) == 0) {
        if (chown(facts->spool, uid, gid) < 0)
            return refuse("kwotad's spool cannot be given to SlurmUser");
        printf("%s is made\n", facts->spool);
    }
    if (save(&place->kwota, uid, gid) < 0)
        return -1;
    for (size_t i = 0; i < place->stack.file_count; i++)
        if (save(&place->stack.files[i], 0, 0) < 0)
            return -1;
    for (size_t i = place->conf.file_count; i-- > 0;)
        if (save(&place->conf.files[i], 0, 0) < 0)
            return -1;
    return 0;
}

static void print_diffs(const struct place *place)
{
    for (size_t i = 0; i < place->conf.file_count; i++)
        conf_file_diff(&place->conf.files[i], stdout);
    for (size_t i = 0; i < place->stack.file_count; i++)
        conf_file_diff(&place->stack.files[i], stdout);
    conf_file_diff(&place->kwota, stdout);
}

static int show_and_apply(struct place *place, const struct wish *a,
                          const struct setup_facts *facts, struct setup *setup)
{
    bool changed = setup_changed(setup), conflicts = false;

    for (int i = 0; i < setup->count; i++)
        conflicts = conflicts || setup->notes[i].kind == SETUP_CONFLICT;
    print_diffs(place);
    if (!changed)
        puts("Nothing to change.");
    if (changed && a->apply) {
        putchar('\n');
        if (apply(place, facts, a->remove) < 0)
            return EXIT_REFUSED;
    }
    print_notes(setup, SETUP_CONFLICT, "To be solved by hand:");
    print_notes(setup, SETUP_STEP, "Afterwards:");
    print_notes(setup, SETUP_REMAINS, "What remains:");
    if (changed && !a->apply)
        printf("\nNothing is changed yet: kwota setup %s--apply does it.\n",
               a->remove ? "--remove " : "");
    return conflicts ? EXIT_REFUSED : 0;
}

static int run_setup(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        NULL,
        "Shows what slurm.conf, plugstack.conf and kwota.json need so that kwota "
        "works, "
        "and what is to be done afterwards. With --apply it is done. What a site has "
        "said stays; exit status 1: something must be solved by hand.",
        NULL,
        NULL,
        NULL};
    struct wish a = {0};
    struct place *place = calloc(1, sizeof *place);
    struct setup setup = {0};
    struct setup_facts facts;
    int rc = EXIT_REFUSED;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (place && read_place(place, &a) == 0 && find_facts(place, &a, &facts) == 0) {
        setup = (struct setup){
            .conf = &place->conf, .plugstack = &place->stack, .kwota = &place->kwota};
        if (a.remove)
            setup_undo(&setup, &facts);
        else
            setup_plan(&setup, &facts);
        rc = show_and_apply(place, &a, &facts, &setup);
    }
    setup_done(&setup);
    if (place) {
        configuration_free(place->said);
        conf_file_free(&place->kwota);
        plugstack_free(&place->stack);
        slurm_conf_free(&place->conf);
    }
    free(place);
    return rc;
}

const struct command command_setup = {"setup", "[--apply] [--remove]",
                                      "what slurm.conf needs so that kwota works",
                                      run_setup};
