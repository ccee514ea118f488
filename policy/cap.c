/* cap.c - what a run is held to, and by whose word */
#include "policy/cap.h"

#include <stdio.h>
#include <string.h>

#include "policy/watts.h"

static void lower(struct cap *cap, int part, int64_t most, const char *why)
{
    if (most <= 0 || (cap->most[part] > 0 && cap->most[part] <= most))
        return;
    cap->most[part] = most;
    snprintf(cap->why[part], CAP_WHY, "%s", why);
}

void cap_lower(struct cap *cap, const int64_t most[CAP_PARTS], const char *why)
{
    for (int part = 0; part < CAP_PARTS; part++)
        lower(cap, part, most[part], why);
}

void cap_lower_by(struct cap *cap, const struct cap *other)
{
    for (int part = 0; part < CAP_PARTS; part++)
        lower(cap, part, other->most[part], other->why[part]);
}

bool cap_is_held(const struct cap *cap)
{
    for (int part = 0; part < CAP_PARTS; part++)
        if (cap->most[part] > 0)
            return true;
    return false;
}

/* Whether a part before this one says the same. */
static bool is_said(const struct cap *cap, int part)
{
    for (int before = 0; before < part; before++)
        if (cap->most[before] > 0 && strcmp(cap->why[before], cap->why[part]) == 0)
            return true;
    return false;
}

char *cap_why(const struct cap *cap, char text[CAP_TEXT])
{
    int used = 0;

    text[0] = '\0';
    for (int part = 0; part < CAP_PARTS; part++)
        if (cap->most[part] > 0 && !is_said(cap, part))
            used += snprintf(text + used, (size_t)(CAP_TEXT - used), "%s%s",
                             used ? "; " : "", cap->why[part]);
    return text;
}

char *cap_text(const int64_t most[CAP_PARTS], char text[CAP_TEXT])
{
    static const char *const names[] = {"GPUs", "packages", "CPU time"};
    char watts[WATTS_TEXT];
    int used = 0;

    text[0] = '\0';
    for (int part = 0; part < CAP_PARTS; part++) {
        if (most[part] <= 0)
            continue;
        if (part == CAP_CPU)
            snprintf(watts, sizeof watts, "%lld %%", (long long)most[part]);
        else
            watts_text(most[part], watts);
        used +=
            snprintf(text + used, (size_t)(CAP_TEXT - used), "%s%s at most %s%s",
                     used ? ", " : "", names[part], watts, part == CAP_CPU ? "" : " W");
    }
    return text;
}

void cap_work_out(const struct cap_words *words, struct cap *cap)
{
    const int64_t user[CAP_PARTS] = {[CAP_GPU] = words->user_gpu_mw};

    *cap = (struct cap){.most = {0}};
    if (words->off)
        return;
    if (words->policy)
        cap_lower_by(cap, words->policy);
    cap_lower(cap, user, "its user's --gpu-power-cap");
    if (words->orders)
        cap_lower_by(cap, words->orders);
    if (words->steer)
        cap_lower_by(cap, words->steer);
}

static json_t *number(int64_t value)
{
    return value > 0 ? json_integer(value) : json_null();
}

json_t *cap_json(const int64_t most[CAP_PARTS], const char *why)
{
    if (most[CAP_GPU] <= 0 && most[CAP_PACKAGE] <= 0 && most[CAP_CPU] <= 0)
        return json_null();
    return json_pack("{s:o s:o s:o s:s}", "gpu_mw", number(most[CAP_GPU]), "package_mw",
                     number(most[CAP_PACKAGE]), "cpu_percent", number(most[CAP_CPU]),
                     "why", why);
}
