/* admission.c - whether a job is let in, and with which lien */
#include "plugin/admission.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/energy_budget.h"
#include "plugin/licenses.h"
#include "policy/policy.h"
#include "policy/watts.h"

#define NAME 256

/* One request on its way through. */
struct asking {
    const struct budget_map *map;
    const struct request *request;
    struct map_user user;       /* name NULL: not in the map */
    struct map_account account; /* name NULL: not in the map */
    int64_t factor_percent, round_wh;
    int32_t enforce, at_limit; /* where its need is largest */
    int64_t gpu_cap_mw;        /* its user's, where caps are set; 0: none */
    bool capping;              /* they are */
    struct need need;          /* wh 0: none, nothing is enforced there */
    int64_t promised_wh; /* its user's --energy-budget, where that counts; 0: none */
};

static void refuse(struct admission *admission, const char *why)
{
    admission->refused = true;
    snprintf(admission->sentence, sizeof admission->sentence, "kwota: %s", why);
}

/* Slurm compares accounts without regard to case; slurmdbd keeps them in small letters.
 */
static bool find_account(const struct budget_map *map, const char *name,
                         struct map_account *found)
{
    char small[NAME];
    size_t i;

    if (budget_map_account(map, name, found))
        return true;
    for (i = 0; name[i] && i + 1 < sizeof small; i++)
        small[i] = (char)tolower((unsigned char)name[i]);
    small[i] = '\0';
    return !name[i] && budget_map_account(map, small, found);
}

static void find_people(struct asking *a)
{
    const char *account = a->request->account;

    if (!budget_map_user_by_uid(a->map, a->request->uid, &a->user))
        a->user = (struct map_user){.name = NULL, .most_wh = -1};
    if (!account || !*account)
        account = a->user.name ? a->user.account : NULL;
    if (!account || !*account || !find_account(a->map, account, &a->account))
        a->account = (struct map_account){.name = NULL, .most_wh = -1, .left_wh = -1};
}

/* What the job would need in this partition counts if it is more than elsewhere. NULL:
 * the default partition. */
static void consider_partition(struct asking *a, const char *name)
{
    struct map_partition partition;
    struct need need = {.factor_percent = a->factor_percent, .round_wh = a->round_wh};
    int32_t enforce, at_limit;

    if (!budget_map_partition(a->map, name, &partition) || !partition.known ||
        !budget_map_rule(a->map, a->account.name, partition.name, &enforce,
                         &at_limit) ||
        enforce < ENFORCE_SOFT)
        return;
    request_shape(a->request, &partition, &need.shape);
    estimate_cap(&partition.nameplate, a->gpu_cap_mw);
    need.gpu_mw = a->capping ? partition.nameplate.gpu_mw : 0;
    need.mw = estimate_mw(&partition.nameplate, &need.shape);
    need.wh =
        need.shape.limit_s == REQUEST_NO_LIMIT
            ? estimate_wh(INT64_MAX, 1)
            : estimate_wh(estimate_mj(need.mw, need.shape.limit_s, a->factor_percent),
                          a->round_wh);
    if (need.wh <= a->need.wh)
        return;
    a->need = need;
    a->enforce = enforce;
    a->at_limit = at_limit;
}

static void consider_partitions(struct asking *a)
{
    const char *list = a->request->partition;

    if (!list || !*list) {
        consider_partition(a, NULL);
        return;
    }
    while (*list) {
        size_t length = strcspn(list, ",");
        char name[NAME];

        if (length > 0 && length < sizeof name) {
            memcpy(name, list, length);
            name[length] = '\0';
            consider_partition(a, name);
        }
        list += length + (list[length] == ',');
    }
}

/* Only where a job is held to its lien may a user make it smaller: elsewhere a false
 * promise would pay. -1: the promise is no amount. */
static int apply_budget(struct asking *a)
{
    int64_t wh;

    if (a->enforce < ENFORCE_STRICT || !a->request->budget)
        return 0;
    if (energy_budget_parse(a->request->budget, &wh) < 0)
        return -1;
    a->promised_wh = wh;
    if (wh < a->need.wh) {
        a->need.wh = wh;
        a->need.budget_wh = wh;
    }
    return 0;
}

/* The smaller of two bounds, of which less than 0 is none. */
static bool is_tighter(int64_t wh, int64_t than)
{
    return wh >= 0 && (than < 0 || wh < than);
}

/* The quota that the job can never pass; wh < 0: there is none. `owner` keeps its name.
 */
static struct bound whole_quota(const struct asking *a, char owner[NAME])
{
    struct bound bound = {owner, a->account.most_text, a->account.most_wh, 0};

    snprintf(owner, NAME, "account %s", a->account.name);
    if (is_tighter(a->user.most_wh, bound.wh)) {
        snprintf(owner, NAME, "user %s", a->user.name);
        bound.quota = a->user.most_text;
        bound.wh = a->user.most_wh;
    }
    return bound;
}

/* What is available now; wh < 0: not limited. */
static struct bound left_now(const struct asking *a, char owner[NAME])
{
    struct bound bound = {owner, a->account.most_text, a->account.left_wh,
                          a->account.until_s};

    snprintf(owner, NAME, "account %s", a->account.name);
    return bound;
}

/* Measures the need against the quotas: refuses, or says whether the job gets a lien.
 */
static bool weigh(const struct asking *a, struct admission *admission)
{
    char owner[NAME], leaver[NAME];
    struct bound most = whole_quota(a, owner), left = left_now(a, leaver);
    bool never = most.wh >= 0 && a->need.wh > most.wh;
    bool not_now = left.wh >= 0 && a->need.wh > left.wh;

    /* Neither a limit nor a quota: it would only take all licences there are. */
    if (a->need.shape.limit_s == REQUEST_NO_LIMIT && !a->need.budget_wh && most.wh < 0)
        return false;
    if (a->at_limit == AT_LIMIT_OVERDRAFT || a->at_limit == AT_LIMIT_WARN) {
        if (never || not_now)
            sentence_over(admission->sentence, &a->need, not_now ? &left : &most,
                          a->at_limit == AT_LIMIT_OVERDRAFT);
        return !never && !not_now;
    }
    admission->refused = never || (not_now && a->at_limit == AT_LIMIT_REJECT);
    if (never)
        sentence_never(admission->sentence, &a->need, &most);
    else if (admission->refused)
        sentence_not_now(admission->sentence, &a->need, &left);
    return !admission->refused;
}

static void give_lien(const struct asking *a, struct admission *admission)
{
    if (licenses_have_choice(a->request->licenses)) {
        refuse(admission, "a job with a choice of licences (\"|\") cannot hold the "
                          "energy it needs: ask for one of them, with commas");
        return;
    }
    admission->lien_wh = a->need.wh;
    admission->budget_wh = a->promised_wh;
    free(admission->licenses);
    admission->licenses = licenses_with_lien(a->request->licenses, a->need.wh);
}

static void decide_by_map(struct asking *a, struct admission *admission)
{
    find_people(a);
    if (!a->account.name)
        return;
    consider_partitions(a);
    if (a->need.wh == 0)
        return;
    if (apply_budget(a) < 0) {
        char why[160];

        snprintf(why, sizeof why,
                 "--energy-budget=%.40s is no amount of energy; say, for example, "
                 "--energy-budget=2kWh",
                 a->request->budget);
        refuse(admission, why);
        return;
    }
    if (weigh(a, admission))
        give_lien(a, admission);
}

/* A promise about watts that nobody keeps would only make the lien too small. */
static void apply_cap(struct asking *a, uint32_t flags, struct admission *admission)
{
    a->capping = flags & MAP_CAPPING;
    if (a->capping)
        a->gpu_cap_mw = admission->gpu_cap_mw;
    else if (admission->gpu_cap_mw > 0)
        snprintf(admission->sentence, sizeof admission->sentence,
                 "kwota: --gpu-power-cap has no effect here: this site does not let "
                 "kwota cap power");
}

static bool take_cap(const struct request *request, struct admission *admission)
{
    char why[200];

    if (!request->gpu_power_cap ||
        watts_parse_cap(request->gpu_power_cap, &admission->gpu_cap_mw) == 0)
        return true;
    admission->gpu_cap_mw = 0;
    snprintf(why, sizeof why,
             "--gpu-power-cap=%.40s is no power of a GPU, from 10W to 10kW; say, for "
             "example, --gpu-power-cap=250W",
             request->gpu_power_cap);
    refuse(admission, why);
    return false;
}

static void refuse_stale(struct admission *admission, int64_t age_s)
{
    char why[256];

    snprintf(why, sizeof why,
             "the energy budgets are %lld minutes old, because kwotad does not renew "
             "them, and this site lets no job in by old ones; try again later, or tell "
             "your administrator",
             (long long)(age_s / 60));
    refuse(admission, why);
}

void admission_decide(const struct admission_site *site, const struct request *request,
                      struct admission *admission)
{
    struct asking a = {.map = site->map, .request = request};
    int64_t written_s, stale_s;
    uint32_t flags;

    memset(admission, 0, sizeof *admission);
    if (licenses_have_lien(request->licenses))
        admission->licenses = licenses_without_lien(request->licenses);
    if (!take_cap(request, admission))
        return;
    if (!site->map) {
        if (site->refuse_missing)
            refuse(admission, "there are no energy budgets, because kwotad has written "
                              "none, and this site lets no job in without them; try "
                              "again later, or tell your administrator");
        return;
    }
    budget_map_figures(site->map, &written_s, &stale_s, &flags, &a.factor_percent,
                       &a.round_wh);
    apply_cap(&a, flags, admission);
    if (flags & MAP_FROZEN)
        return;
    if (!budget_map_stale(site->map, site->now_s))
        decide_by_map(&a, admission);
    else if (flags & MAP_REFUSE_STALE)
        refuse_stale(admission, budget_map_age_s(site->map, site->now_s));
}

bool admission_may_edit(const struct budget_map *map, uid_t uid, uid_t slurm_user)
{
    struct map_user user;

    if (uid == 0 || uid == slurm_user || !map || !budget_map_enforces(map))
        return true;
    return budget_map_user_by_uid(map, uid, &user) && user.is_operator;
}
