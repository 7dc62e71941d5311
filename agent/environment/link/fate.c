// See fate.h. Every draw is a hash of (key, n, what it is for): taking one condition away leaves the draws of the others as they were.
#include "agent/environment/link/fate.h"

#define NS_PER_MS 1000000.0

enum purpose { PURPOSE_LOSS, PURPOSE_DUPLICATE, PURPOSE_CORRUPT, PURPOSE_REORDER, PURPOSE_MARK, PURPOSE_JITTER, PURPOSE_CHANCE, PURPOSES };

// The finaliser of SplitMix64: each bit of the input changes about half of the output.
static uint64_t mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

static uint64_t mix_text(uint64_t key, const char *text)
{
    for (; *text; text++)
        key = mix(key ^ (unsigned char)*text);
    return mix(key ^ 0x100); // ends it: ("ab", "c") is not ("a", "bc")
}

void fates_begin(struct fates *fates, uint64_t seed, const char *from, const char *to)
{
    *fates = (struct fates){.key = mix_text(mix_text(mix(seed), from), to)};
}

static uint64_t draw(const struct fates *fates, enum purpose purpose)
{
    return mix(fates->key ^ mix(fates->number * PURPOSES + (uint64_t)purpose));
}

// 0 <= share < 1
static double draw_share(const struct fates *fates, enum purpose purpose)
{
    return (double)(draw(fates, purpose) >> 11) * 0x1p-53;
}

// Gilbert's model: in a burst everything is lost, a burst lasts `burst` packets in the mean. Where the share of losses is too high for
// that length, bursts get longer: the share is what was asked for.
static bool is_lost(struct fates *fates, const struct conditions *conditions)
{
    double share = conditions->loss, chance = draw_share(fates, PURPOSE_LOSS);
    if (conditions->burst <= 1 || share <= 0 || share >= 1) {
        fates->in_burst = false;
        return chance < share;
    }
    double leave = 1.0 / conditions->burst, enter = leave * share / (1 - share);
    if (enter > 1) {
        enter = 1;
        leave = (1 - share) / share;
    }
    fates->in_burst = fates->in_burst ? chance >= leave : chance < enter;
    return fates->in_burst;
}

static bool is_nth(struct fates *fates, const struct conditions *conditions)
{
    while (fates->next_drop < conditions->drop_count && conditions->drop_nth[fates->next_drop] < fates->number)
        fates->next_drop++;
    return fates->next_drop < conditions->drop_count && conditions->drop_nth[fates->next_drop] == fates->number;
}

static uint64_t delay_of(const struct fates *fates, const struct conditions *conditions)
{
    double ns = conditions->delay_ms * NS_PER_MS;
    if (conditions->jitter_ms > 0)
        ns += (2 * draw_share(fates, PURPOSE_JITTER) - 1) * conditions->jitter_ms * NS_PER_MS;
    return ns > 0 ? (uint64_t)ns : 0;
}

struct fate fates_next(struct fates *fates, const struct conditions *conditions)
{
    fates->number++;
    struct fate fate = {.number = fates->number, .end = FATE_ARRIVES};
    bool lost = is_lost(fates, conditions); // also of those that fall by number: the chain goes on
    if (conditions->down)
        fate.end = FATE_DOWN;
    else if (is_nth(fates, conditions))
        fate.end = FATE_NTH;
    else if (lost)
        fate.end = FATE_LOST;
    fate.duplicate = draw_share(fates, PURPOSE_DUPLICATE) < conditions->duplicate;
    fate.corrupt = draw_share(fates, PURPOSE_CORRUPT) < conditions->corrupt;
    fate.reorder = draw_share(fates, PURPOSE_REORDER) < conditions->reorder;
    fate.mark = conditions->ecn == CONDITION_ECN_MARK && draw_share(fates, PURPOSE_MARK) < conditions->ecn_mark;
    fate.delay_ns = delay_of(fates, conditions);
    fate.chance = draw(fates, PURPOSE_CHANCE);
    return fate;
}
