// The table of conditions, and from their texts to numbers. What options cannot say by type (rates, marks) is read here.
#include "common/schema/conditions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/units.h"
#include "common/schema/schema.h"

#define REFERENCE "$("

// protobuf-c wants texts that could be written to; nobody does.
#define TEXT(literal) ((char[]){literal})
#define OPTION(option_name, option_type, ...)                                                                                              \
    {                                                                                                                                      \
        .base = PROTOBUF_C_MESSAGE_INIT(&pb__option_description__descriptor), .name = TEXT(option_name),                                   \
        .type = PB__OPTION_TYPE__OPTION_TYPE_##option_type, .default_value = TEXT(""), .unit = TEXT(""), __VA_ARGS__                       \
    }
#define RANGE(least, most) .has_range = true, .minimum = (least), .maximum = (most)

static char *nat_choices[] = {TEXT("none"), TEXT("port"), TEXT("address")};

static const Pb__OptionDescription table[CONDITION_COUNT] = {
    [CONDITION_DELAY] = OPTION("delay", DURATION, RANGE(0, CONDITION_DELAY_MAX_MS), .help = TEXT("one way")),
    [CONDITION_JITTER] =
        OPTION("jitter", DURATION, RANGE(0, CONDITION_DELAY_MAX_MS), .help = TEXT("the delay varies by as much, up and down, evenly")),
    [CONDITION_LOSS] = OPTION("loss", RATIO, RANGE(0, 1), .help = TEXT("mean share of packets that are lost")),
    [CONDITION_BURST] = OPTION("burst", INTEGER, RANGE(1, CONDITION_BURST_MAX),
                               .help = TEXT("mean number of packets that are lost one after the other; 1: each by itself")),
    [CONDITION_DUPLICATE] = OPTION("duplicate", RATIO, RANGE(0, 1), .help = TEXT("share of packets that arrive twice")),
    [CONDITION_CORRUPT] = OPTION("corrupt", RATIO, RANGE(0, 1), .help = TEXT("share of packets in whose payload a bit is turned over")),
    [CONDITION_REORDER] = OPTION("reorder", RATIO, RANGE(0, 1), .help = TEXT("share of packets that a later one overtakes")),
    [CONDITION_RATE] = OPTION("rate", STRING, .help = TEXT("bits per second: 10Mbit; 0: unbounded")),
    [CONDITION_QUEUE] = OPTION("queue", INTEGER, RANGE(1, CONDITION_QUEUE_MAX), .help = TEXT("packets that may wait for the rate")),
    [CONDITION_SHARED] = OPTION("shared", BOOLEAN, .help = TEXT("the rate and its queue are one for all directions that share")),
    [CONDITION_DROP_NTH] =
        OPTION("drop_nth", LIST, .help = TEXT("numbers of packets that are lost, counted from 1 when the condition begins")),
    [CONDITION_DOWN] = OPTION("down", BOOLEAN, .help = TEXT("nothing arrives")),
    [CONDITION_DOWN_AFTER] = OPTION("down_after", DURATION, RANGE(0, CONDITION_DELAY_MAX_MS),
                                    .help = TEXT("when `down_for` begins, counted from the first packet under this condition")),
    [CONDITION_DOWN_FOR] = OPTION("down_for", DURATION, RANGE(0, CONDITION_DELAY_MAX_MS), .help = TEXT("so long nothing arrives")),
    [CONDITION_NAT_REBIND] = OPTION("nat_rebind", CHOICE, .n_choices = 3, .choices = nat_choices,
                                    .help = TEXT("the sender's flows get another source port, or address")),
    [CONDITION_NAT_AFTER] =
        OPTION("nat_after", DURATION, RANGE(0, CONDITION_DELAY_MAX_MS),
               .help = TEXT("age of a flow when nat_rebind strikes it; 0: what flows when the condition begins, at once")),
    [CONDITION_ECN] =
        OPTION("ecn", STRING, .help = TEXT("keep, clear, or \"mark 5%\": share of ECN-capable packets that get congestion experienced")),
};

const Pb__OptionDescription *const *conditions_options(size_t *count)
{
    static const Pb__OptionDescription *pointers[CONDITION_COUNT];
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        pointers[i] = &table[i];
    *count = CONDITION_COUNT;
    return pointers;
}

bool conditions_has(const struct conditions *conditions, enum condition condition)
{
    return (conditions->given & (1U << condition)) != 0;
}

const char *conditions_name(enum condition condition)
{
    return table[condition].name;
}

bool conditions_need_netem(const struct conditions *conditions)
{
    return conditions->delay_ms || conditions->jitter_ms || conditions->loss > 0 || conditions->duplicate > 0 || conditions->corrupt > 0 ||
           conditions->reorder > 0;
}

// ---- texts that are more than their type

static bool rate_parse(const char *text, uint64_t *bits)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}};
    if (strcmp(text, "0") == 0) {
        *bits = 0;
        return true;
    }
    size_t digits = strspn(text, "0123456789.");
    char number[32];
    double value;
    if (digits == 0 || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (!float_parse(number, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, text + digits) != 0)
            continue;
        value *= units[i].factor;
        if (value < CONDITION_RATE_MIN_BITS || value > CONDITION_RATE_MAX_BITS)
            return false;
        *bits = (uint64_t)value;
        return true;
    }
    return false;
}

static bool ecn_parse(const char *text, struct conditions *conditions)
{
    static const char mark[] = "mark ";
    conditions->ecn_mark = 0;
    if (strcmp(text, "keep") == 0)
        conditions->ecn = CONDITION_ECN_KEEP;
    else if (strcmp(text, "clear") == 0)
        conditions->ecn = CONDITION_ECN_CLEAR;
    else if (strncmp(text, mark, sizeof mark - 1) == 0 && ratio_parse(text + sizeof mark - 1, &conditions->ecn_mark) &&
             conditions->ecn_mark >= 0 && conditions->ecn_mark <= 1)
        conditions->ecn = CONDITION_ECN_MARK;
    else
        return false;
    return true;
}

// Rising, each once: who drops them walks along.
static const char *drops_read(char *const *values, size_t count, struct conditions *conditions)
{
    if (count > CONDITION_DROPS_MAX)
        return "holds more than 64 numbers";
    conditions->drop_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        if (!unsigned_parse(values[i], &number) || number == 0 || number > CONDITION_DROP_NTH_MAX)
            return "does not hold numbers of packets between 1 and 1000000";
        size_t at = conditions->drop_count;
        while (at > 0 && conditions->drop_nth[at - 1] >= number)
            at--;
        if (at < conditions->drop_count && conditions->drop_nth[at] == number)
            return "holds a number twice";
        memmove(&conditions->drop_nth[at + 1], &conditions->drop_nth[at], (conditions->drop_count - at) * sizeof conditions->drop_nth[0]);
        conditions->drop_nth[at] = (uint32_t)number;
        conditions->drop_count++;
    }
    return NULL;
}

// ---- one setting

// normal: the value as schema_normalise gives it, so it can be read.
static void take_normal(enum condition condition, const char *normal, struct conditions *conditions)
{
    double share = strtod(normal, NULL);
    uint32_t number = (uint32_t)strtoul(normal, NULL, 10);
    switch (condition) {
    case CONDITION_DELAY:
        conditions->delay_ms = number;
        break;
    case CONDITION_JITTER:
        conditions->jitter_ms = number;
        break;
    case CONDITION_LOSS:
        conditions->loss = share;
        break;
    case CONDITION_BURST:
        conditions->burst = number;
        break;
    case CONDITION_DUPLICATE:
        conditions->duplicate = share;
        break;
    case CONDITION_CORRUPT:
        conditions->corrupt = share;
        break;
    case CONDITION_REORDER:
        conditions->reorder = share;
        break;
    case CONDITION_QUEUE:
        conditions->queue_packets = number;
        break;
    case CONDITION_SHARED:
        conditions->shared = strcmp(normal, "true") == 0;
        break;
    case CONDITION_DOWN:
        conditions->down = strcmp(normal, "true") == 0;
        break;
    case CONDITION_DOWN_AFTER:
        conditions->down_after_ms = number;
        break;
    case CONDITION_DOWN_FOR:
        conditions->down_for_ms = number;
        break;
    case CONDITION_NAT_REBIND:
        conditions->nat = strcmp(normal, "port") == 0      ? CONDITION_NAT_PORT
                          : strcmp(normal, "address") == 0 ? CONDITION_NAT_ADDRESS
                                                           : CONDITION_NAT_NONE;
        break;
    case CONDITION_NAT_AFTER:
        conditions->nat_after_ms = number;
        break;
    case CONDITION_RATE:
    case CONDITION_DROP_NTH:
    case CONDITION_ECN:
    case CONDITION_COUNT:
        break; // not here: read_values
    }
}

// NULL, or what is wrong with the values, in the arena.
static const char *read_values(enum condition condition, char *const *values, size_t count, struct conditions *conditions,
                               struct arena *arena)
{
    const char *reason = NULL;
    if (condition == CONDITION_DROP_NTH)
        return drops_read(values, count, conditions);
    if (count != 1)
        return "takes one value, not a list";
    if (condition == CONDITION_RATE) {
        if (!rate_parse(values[0], &conditions->rate_bits))
            reason = "is not a rate between 1kbit and 1000Gbit, such as 10Mbit";
    } else if (condition == CONDITION_ECN) {
        if (!ecn_parse(values[0], conditions))
            reason = "is not keep, clear, or a share such as \"mark 5%\"";
    } else {
        const char *normal = schema_normalise(&table[condition], values[0], arena, &reason);
        if (normal != NULL)
            take_normal(condition, normal, conditions);
    }
    return reason;
}

static enum condition find(const char *name)
{
    size_t at = 0;
    while (at < CONDITION_COUNT && strcmp(table[at].name, name) != 0)
        at++;
    return (enum condition)at;
}

static const char *nearest(const char *name)
{
    const char *names[CONDITION_COUNT];
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        names[i] = table[i].name;
    return suggest(name, names, CONDITION_COUNT);
}

int conditions_put(struct conditions *conditions, const char *name, char *const *values, size_t count, struct panther_error *error)
{
    enum condition condition = find(name);
    if (condition == CONDITION_COUNT) {
        const char *near = nearest(name);
        return error_set(error, PANTHER_EINVALID, "unknown condition \"%.64s\"%s%s%s", name, near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
    }
    struct conditions next = *conditions;
    struct arena *arena = arena_new(0);
    const char *wrong = read_values(condition, values, count, &next, arena);
    int result = 0;
    if (wrong != NULL) {
        result = error_set(error, PANTHER_EINVALID, "%s: \"%.64s\" %s", name, count > 0 ? values[0] : "", wrong);
    } else {
        next.given |= 1U << condition;
        *conditions = next;
    }
    arena_free(&arena);
    return result;
}

// ---- many

int conditions_read(const Pb__Setting *const *settings, size_t count, struct conditions *conditions, struct panther_error *error)
{
    struct conditions next = *conditions;
    for (size_t i = 0; i < count; i++) {
        int result = conditions_put(&next, settings[i]->name, settings[i]->values, settings[i]->n_values, error);
        if (result < 0)
            return result;
    }
    *conditions = next;
    return 0;
}

int conditions_read_placed(const Pb__PlacedSetting *const *settings, size_t count, struct conditions *conditions,
                           struct panther_error *error)
{
    struct conditions next = *conditions;
    for (size_t i = 0; i < count; i++) {
        int result = conditions_put(&next, settings[i]->name, settings[i]->values, settings[i]->n_values, error);
        if (result < 0) {
            if (error != NULL) {
                error->line = settings[i]->line;
                error->column = settings[i]->column;
            }
            return result;
        }
    }
    *conditions = next;
    return 0;
}

static bool is_end(const char *rule, const char *service)
{
    return rule[0] == '\0' || strcmp(rule, service) == 0;
}

int conditions_between(const Pb__LinkRule *const *rules, size_t count, const char *from, const char *to, struct conditions *conditions,
                       struct panther_error *error)
{
    struct conditions next = *conditions;
    for (size_t i = 0; i < count; i++) {
        if (!is_end(rules[i]->from, from) || !is_end(rules[i]->to, to))
            continue;
        int result = conditions_read_placed((const Pb__PlacedSetting *const *)rules[i]->conditions, rules[i]->n_conditions, &next, error);
        if (result < 0)
            return result;
    }
    *conditions = next;
    return 0;
}

// ---- a document's

static bool is_open(const Pb__PlacedSetting *setting)
{
    for (size_t i = 0; i < setting->n_values; i++) {
        if (strstr(setting->values[i], REFERENCE) != NULL)
            return true;
    }
    return false;
}

static void check_one(const Pb__PlacedSetting *setting, const char *noun, struct diagnostics *diagnostics)
{
    enum condition condition = find(setting->name);
    struct conditions conditions = {0};
    const char *near = nearest(setting->name);
    if (condition == CONDITION_COUNT) {
        diagnostics_error(diagnostics, setting->line, setting->column, "unknown condition \"%s\" of %s%s%s%s", setting->name, noun,
                          near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return;
    }
    if (is_open(setting))
        return;
    const char *wrong = read_values(condition, setting->values, setting->n_values, &conditions, diagnostics->arena);
    if (wrong != NULL)
        diagnostics_error(diagnostics, setting->line, setting->column, "condition \"%s\" of %s: \"%.200s\" %s", setting->name, noun,
                          setting->n_values > 0 ? setting->values[0] : "", wrong);
}

bool conditions_check(const Pb__PlacedSetting *const *settings, size_t count, const char *noun, struct diagnostics *diagnostics)
{
    size_t before = diagnostics->errors;
    for (size_t i = 0; i < count; i++)
        check_one(settings[i], noun, diagnostics);
    return diagnostics->errors == before;
}
