/* tree_limits.c - the power limits that a simulated node's devices have, whoever set
 * them
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/plant/tree.h"

/* The number in a file, in mW; 0 while somebody writes it. */
static int64_t read_mw(int fd)
{
    char text[32] = "";

    return pread(fd, text, sizeof text - 1, 0) > 0 ? strtoll(text, NULL, 10) / 1000 : 0;
}

static int open_constraint(const struct tree *tree, const char *folder, int number)
{
    char path[512];

    snprintf(path, sizeof path, "%s/sys/%s/constraint_%d_power_limit_uw", tree->root,
             folder, number);
    return open(path, O_RDWR | O_CLOEXEC);
}

void tree_open_limit(struct tree *tree, const struct model *model, int domain,
                     const char *folder)
{
    struct tree_counter *counter = &tree->counter[domain];
    int brief;

    counter->limit_fd = -1;
    if (model_kind(model, domain) != MODEL_PACKAGE)
        return;
    counter->limit_fd = open_constraint(tree, folder, 0);
    /* Both were the same at first, and nobody changes the short-term one. */
    brief = open_constraint(tree, folder, 1);
    if (brief < 0)
        return;
    counter->usual_mw = read_mw(brief);
    close(brief);
}

void tree_make_card_limit(struct gpu_state_card *card, const struct figures *figures)
{
    int64_t most = figures->gpu_limit_mw;

    if (most <= 0)
        most = figures->gpu_idle_mw + FIGURES_GPU_HOLDERS * figures->gpu_busy_mw;
    card->max_mw = card->default_mw = (uint32_t)most;
    card->min_mw = (uint32_t)(figures->gpu_min_mw < most ? figures->gpu_min_mw : most);
    if (card->limit_mw == 0)
        card->limit_mw = card->default_mw;
}

struct gpu_state_card *tree_card(struct tree *tree, const struct model *model,
                                 int domain)
{
    if (!tree->gpus || model_kind(model, domain) != MODEL_GPU)
        return NULL;
    return &tree->gpus->card[domain - model_domain(model, MODEL_GPU, 0)];
}

uint32_t tree_take_limits(struct tree *tree, struct model *model)
{
    uint32_t changed = 0;

    for (int d = 0; d < model->domains; d++) {
        struct tree_counter *counter = &tree->counter[d];
        const struct gpu_state_card *card = tree_card(tree, model, d);
        int64_t mw = counter->limit_mw;

        if (card)
            mw = card->limit_mw;
        else if (model_kind(model, d) == MODEL_PACKAGE && counter->limit_fd >= 0)
            mw = read_mw(counter->limit_fd);
        if (mw <= 0 || mw == counter->limit_mw)
            continue;
        if (counter->limit_mw > 0)
            changed |= UINT32_C(1) << d;
        counter->limit_mw = model->clocks[d].limit_mw = mw;
    }
    return changed;
}

int tree_set_limit(struct tree *tree, const struct model *model, int domain, int64_t mw)
{
    struct gpu_state_card *card = tree_card(tree, model, domain);
    char text[32];
    int len;

    if (card) {
        if (mw < card->min_mw || mw > card->max_mw)
            return -1;
        card->limit_mw = (uint32_t)mw;
        return 0;
    }
    if (model_kind(model, domain) != MODEL_PACKAGE ||
        tree->counter[domain].limit_fd < 0 || mw <= 0)
        return -1;
    len = snprintf(text, sizeof text, "%" PRId64 "\n", mw * 1000);
    return pwrite(tree->counter[domain].limit_fd, text, (size_t)len, 0) == len &&
                   ftruncate(tree->counter[domain].limit_fd, len) == 0
               ? 0
               : -1;
}

void tree_reset_limits(struct tree *tree, const struct model *model)
{
    for (int d = 0; d < model->domains; d++) {
        const struct gpu_state_card *card = tree_card(tree, model, d);

        tree_set_limit(tree, model, d,
                       card ? card->default_mw : tree->counter[d].usual_mw);
    }
}
