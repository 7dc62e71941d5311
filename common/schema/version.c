// See version.h. Used by the experiment's check and by placement.
#include "common/schema/version.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_byte(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte != '\0' && strchr(".-+_~:", byte));
}

static size_t run(const char *text, bool digits)
{
    size_t count = 0;
    while (text[count] && is_digit(text[count]) == digits)
        count++;
    return count;
}

// Of any length: without their zeros in front the longer number is the larger one.
static int compare_numbers(const char **left, const char **right)
{
    size_t sizes[2] = {run(*left, true), run(*right, true)};
    const char *ends[2] = {*left + sizes[0], *right + sizes[1]};
    for (; sizes[0] > 1 && **left == '0'; sizes[0]--)
        (*left)++;
    for (; sizes[1] > 1 && **right == '0'; sizes[1]--)
        (*right)++;
    int result = sizes[0] != sizes[1] ? (sizes[0] < sizes[1] ? -1 : 1) : memcmp(*left, *right, sizes[0]);
    *left = ends[0];
    *right = ends[1];
    return result;
}

int version_compare(const char *left, const char *right)
{
    while (*left && *right) {
        int result;
        if (is_digit(*left) && is_digit(*right)) {
            result = compare_numbers(&left, &right);
        } else {
            result = *left == *right ? 0 : (unsigned char)*left < (unsigned char)*right ? -1 : 1;
            left++;
            right++;
        }
        if (result != 0)
            return result;
    }
    return *left ? 1 : *right ? -1 : 0;
}

// "1.22" and "1.22.1", but not "1.221"
static bool begins_with(const char *version, const char *wanted)
{
    size_t count = strlen(wanted);
    return strncmp(version, wanted, count) == 0 && (!version[count] || !is_digit(version[count]) || !is_digit(wanted[count - 1]));
}

// ---- conditions

struct condition {
    char operation[3]; // "": begins with
    char version[VERSION_WANTED_MAX_BYTES];
};

// The next condition of *at, which moves on; NULL or what is wrong with it.
static const char *next_condition(const char **at, struct condition *condition)
{
    size_t count = 0;
    *condition = (struct condition){0};
    *at += strspn(*at, " ");
    size_t operation = strspn(*at, "<>=");
    if (operation > 2 || (operation == 2 && (*at)[1] != '=') || (operation == 2 && (*at)[0] == '='))
        return "a comparison is one of =, <, <=, > and >=";
    memcpy(condition->operation, *at, operation);
    *at += operation;
    *at += strspn(*at, " ");
    for (; is_byte((*at)[count]) && count < sizeof condition->version - 1; count++)
        condition->version[count] = (*at)[count];
    *at += count;
    *at += strspn(*at, " ");
    if (count == 0 || !is_digit(condition->version[0]))
        return "a version begins with a digit";
    if (**at != '\0' && **at != ',')
        return "conditions have commas between them";
    if (**at == ',')
        (*at)++;
    return NULL;
}

static bool holds(const char *version, const struct condition *condition)
{
    int order = version_compare(version, condition->version);
    switch (condition->operation[0]) {
    case '>':
        return order > 0 || (order == 0 && condition->operation[1]);
    case '<':
        return order < 0 || (order == 0 && condition->operation[1]);
    case '=':
        return order == 0;
    default:
        return begins_with(version, condition->version);
    }
}

int version_check(const char *wanted, struct panther_error *error)
{
    struct condition condition;
    if (strlen(wanted) >= VERSION_WANTED_MAX_BYTES)
        return error_set(error, PANTHER_EINVALID, "it has more than %d bytes", VERSION_WANTED_MAX_BYTES - 1);
    do {
        const char *problem = next_condition(&wanted, &condition);
        if (problem)
            return error_set(error, PANTHER_EINVALID, "%s", problem);
    } while (*wanted);
    return 0;
}

bool version_fits(const char *version, const char *wanted)
{
    struct condition condition;
    bool fits = !*wanted || *version;
    while (fits && *wanted)
        fits = !next_condition(&wanted, &condition) && holds(version, &condition);
    return fits;
}
