// Clauses about what a plugin says before anything of it runs: it loads, its descriptor, what it needs, its options.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/sdk/author/contract.h"

void clause_loads(struct contract *contract, struct judgement *judgement)
{
    struct panther_error error = {0};
    contract->description = author_describe(contract->path, contract->arena, &error);
    if (!contract->description)
        judge_bad(judgement, "%s", error.message);
    else
        judge_note(judgement, "ABI %u.%u", contract->description->abi_major, contract->description->abi_minor);
}

// ---- descriptor

static bool is_one_line(const char *text)
{
    return *text && !strpbrk(text, "\r\n");
}

// The name by which hosts find it: of its file, or of its folder.
static const char *file_name(const struct contract *contract)
{
    const char *slash = strrchr(contract->path, '/'), *file = slash ? slash + 1 : contract->path;
    size_t length = strlen(file);
    if (length > 3 && strcmp(file + length - 3, ".so") == 0)
        return arena_string_bytes(contract->arena, file, length - 3);
    if (!slash || slash == contract->path)
        return NULL;
    const char *before = slash - 1;
    while (before > contract->path && before[-1] != '/')
        before--;
    return arena_string_bytes(contract->arena, before, (size_t)(slash - before));
}

static void check_words(const Pb__PluginDescription *description, struct judgement *judgement)
{
    if (!is_one_line(description->summary))
        judge_bad(judgement, "its summary is not one line");
    if (!*description->version)
        judge_bad(judgement, "it has no version");
    for (size_t i = 0; i < description->n_options; i++)
        if (!is_one_line(description->options[i]->help))
            judge_bad(judgement, "option %s has no line of help", description->options[i]->name);
    for (size_t i = 0; i < description->n_cases; i++)
        if (!is_one_line(description->cases[i]->summary))
            judge_bad(judgement, "case %s has no summary", description->cases[i]->name);
}

static bool has_protocol(const Pb__PluginDescription *description)
{
    for (size_t i = 0; i < description->n_protocols; i++)
        if (description->protocols[i]->n_roles > 0)
            return true;
    return false;
}

static void check_cases(const Pb__PluginDescription *description, struct judgement *judgement)
{
    for (size_t i = 0; i < description->n_cases; i++)
        for (size_t j = i + 1; j < description->n_cases; j++)
            if (strcmp(description->cases[i]->name, description->cases[j]->name) == 0)
                judge_bad(judgement, "two cases are called %s", description->cases[i]->name);
}

void clause_descriptor(struct contract *contract, struct judgement *judgement)
{
    const Pb__PluginDescription *description = contract->description;
    const char *file = file_name(contract);
    if (file && strcmp(file, description->name) != 0)
        judge_bad(judgement, "it is called %s and its file %s: hosts find it by its file's name", description->name, file);
    if (!contract_is_tester(contract) && !has_protocol(description))
        judge_bad(judgement, "an IUT says which protocol it speaks, and in which role");
    check_words(description, judgement);
    check_cases(description, judgement);
    judge_note(judgement, "%s %s, %zu options, %zu cases", description->name, description->version, description->n_options,
               description->n_cases);
}

void clause_usable(struct contract *contract, struct judgement *judgement)
{
    struct panther_error error = {0};
    const Pb__PluginPresence *presence = author_probe(contract->path, contract->arena, &error);
    if (!presence)
        judge_bad(judgement, "%s", error.message);
    else if (!presence->usable)
        judge_bad(judgement, "%s", presence->unusable_reason);
    else if (!contract_is_tester(contract) && !*presence->implementation_version && contract->description->n_programs > 0)
        judge_bad(judgement, "it does not say which version of the implementation is installed (get_implementation_version)");
    else
        judge_note(judgement, "version %s", presence->implementation_version);
}

// ---- options

// One instance with one bad setting must be refused in words that name the option.
static void must_refuse(struct contract *contract, struct judgement *judgement, const char *name, const char *value, const char *what)
{
    struct panther_test *test = contract_plain(contract);
    panther_test_option(test, name, value);
    if (panther_test_initialize(test) == 0)
        judge_bad(judgement, "%s is accepted: %s=%s", what, name, value);
    else if (!strstr(panther_test_problem(test), name))
        judge_bad(judgement, "%s (%s=%s) is refused without naming the option: %s", what, name, value, panther_test_problem(test));
    panther_test_end(&test);
}

static const char *wrong_type(const Pb__OptionDescription *option)
{
    switch (option->type) {
    case PB__OPTION_TYPE__OPTION_TYPE_STRING:
    case PB__OPTION_TYPE__OPTION_TYPE_LIST:
    case PB__OPTION_TYPE__OPTION_TYPE_FILE:
        return NULL; // every text is one
    default:
        return "no-such-value";
    }
}

// A number outside of the range, in the type's own notation; NULL: it has no such number.
static const char *out_of_range(struct contract *contract, const Pb__OptionDescription *option)
{
    const char *unit = option->type == PB__OPTION_TYPE__OPTION_TYPE_DURATION ? "ms" : "";
    if (!option->has_range)
        return NULL;
    if (option->maximum < 1e15)
        return arena_printf(contract->arena, "%.0f%s", option->maximum + 1, unit);
    return option->minimum > 0 ? arena_printf(contract->arena, "%.0f%s", option->minimum - 1, unit) : NULL;
}

// Each kind of mistake once: the host checks all options by the same table.
void clause_options(struct contract *contract, struct judgement *judgement)
{
    const Pb__PluginDescription *description = contract->description;
    bool has_wrong_type = false, has_range = false;
    must_refuse(contract, judgement, "no_such_option", "1", "an unknown option");
    for (size_t i = 0; i < description->n_options && judgement->state == JUDGED_GOOD; i++) {
        const Pb__OptionDescription *option = description->options[i];
        const char *wrong = has_wrong_type ? NULL : wrong_type(option), *outside = has_range ? NULL : out_of_range(contract, option);
        if (wrong)
            must_refuse(contract, judgement, option->name, wrong, "a value of a wrong type");
        if (outside)
            must_refuse(contract, judgement, option->name, outside, "a value out of range");
        has_wrong_type = has_wrong_type || wrong;
        has_range = has_range || outside;
    }
    if (!has_wrong_type)
        judge_note(judgement, "none of its options has a type that a text could miss");
}

// ---- defaults

static const char *first_required(const struct contract *contract)
{
    for (size_t i = 0; i < contract->description->n_options; i++) {
        const Pb__OptionDescription *option = contract->description->options[i];
        if (option->required)
            return option->name;
    }
    return NULL;
}

// The option that a problem speaks of; NULL: it names none.
static const char *named_in(const struct contract *contract, const char *problem)
{
    for (size_t i = 0; i < contract->description->n_options; i++) {
        const char *name = contract->description->options[i]->name, *at = strstr(problem, name);
        if (at && !(at > problem && isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[strlen(name)]))
            return name;
    }
    return NULL;
}

// NULL: the defaults alone do; else the option that must be said.
static const char *initialize_with_defaults(struct contract *contract, struct judgement *judgement)
{
    const char *required = first_required(contract), *named = NULL;
    size_t options = contract->option_count;
    contract->option_count = 0;
    struct panther_test *test = contract_instance(contract, judgement);
    contract->option_count = options;
    if (!test)
        return NULL;
    if (panther_test_initialize(test) != 0) {
        const char *problem = panther_test_problem(test);
        named = named_in(contract, problem);
        if (!named)
            judge_bad(judgement, "%s%s", required ? "the missing option is not named: " : "", problem);
    } else if (required) {
        judge_bad(judgement, "it accepts that the required option %s is missing", required);
    }
    panther_test_end(&test);
    return named;
}

void clause_defaults(struct contract *contract, struct judgement *judgement)
{
    const char *named = initialize_with_defaults(contract, judgement);
    if (named && contract->option_count == 0)
        judge_skip(judgement, "the missing option %s is named; say it here to judge the rest: --option %s=VALUE", named, named);
    else if (named)
        judge_note(judgement, "%s is named", named);
}
