// Stands in for libFuzzer where only a test is wanted: replays a corpus, then mutations of it from a fixed seed, so that a failure
// is the same on every machine. usage: fuzz_replay_NAME FOLDER[:FOLDER...] MUTATIONS [FIRST]. The input that was being tried is named
// at a crash.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define INPUTS_MAX 1000
#define INPUT_MAX_BYTES (64 * 1024)

struct input {
    uint8_t *data;
    size_t size;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;
static char trying[200];

// The sanitizers end a process by exit, not by a signal; without them this is NULL.
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void last_words(void)
{
    ssize_t ignored = write(STDERR_FILENO, trying, strlen(trying));
    (void)ignored;
}

static void name_the_input(int number)
{
    last_words();
    signal(number, SIG_DFL);
    raise(number);
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void read_input(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || input_count == INPUTS_MAX)
        return;
    struct input *input = &inputs[input_count];
    input->data = malloc(INPUT_MAX_BYTES);
    input->size = input->data == NULL ? 0 : fread(input->data, 1, INPUT_MAX_BYTES, file);
    fclose(file);
    input_count++;
    snprintf(trying, sizeof trying, "while trying %.150s\n", name);
    LLVMFuzzerTestOneInput(input->data, input->size);
}

static void read_corpus(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            read_input(folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

// ---- mutations

static uint64_t seed;

static size_t random_below(size_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return limit == 0 ? 0 : (size_t)(seed % limit);
}

static void replace_bytes(struct input *input)
{
    static const uint8_t odd[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x22};
    size_t at = random_below(input->size);
    uint8_t flipped = (uint8_t)(1U << random_below(8));
    if (random_below(2) == 0)
        input->data[at] = odd[random_below(sizeof odd)];
    else
        input->data[at] ^= flipped;
}

static void remove_bytes(struct input *input)
{
    size_t at = random_below(input->size), count = 1 + random_below(input->size - at);
    memmove(input->data + at, input->data + at + count, input->size - at - count);
    input->size -= count;
}

// A piece of this or of another input, once or many times over.
static void insert_bytes(struct input *input)
{
    const struct input *from = &inputs[random_below(input_count)];
    size_t start = random_below(from->size), count = 1 + random_below(from->size - start), at = random_below(input->size + 1);
    size_t times = random_below(8) == 0 ? 1 + random_below(200) : 1;
    if (from->size == 0 || input->size + count * times > INPUT_MAX_BYTES)
        return;
    memmove(input->data + at + count * times, input->data + at, input->size - at);
    for (size_t i = 0; i < times; i++)
        memcpy(input->data + at + i * count, from->data + start, count);
    input->size += count * times;
}

static void mutate(struct input *input)
{
    for (size_t times = 1 + random_below(4); times > 0; times--) {
        size_t kind = random_below(4);
        if (input->size > 0 && kind <= 1)
            replace_bytes(input);
        else if (input->size > 0 && kind == 2)
            remove_bytes(input);
        else
            insert_bytes(input);
    }
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    signal(SIGABRT, name_the_input);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(last_words);
    else
        signal(SIGSEGV, name_the_input);
    for (char *folder = strtok(arguments[1], ":"); folder != NULL; folder = strtok(NULL, ":"))
        read_corpus(folder);
    if (input_count == 0) {
        fprintf(stderr, "no corpus in %s\n", arguments[1]);
        return 1;
    }
    unsigned long first = count > 3 ? strtoul(arguments[3], NULL, 10) : 0, mutations = strtoul(arguments[2], NULL, 10);
    struct input mutated = {.data = malloc(INPUT_MAX_BYTES)};
    for (unsigned long i = first; mutated.data != NULL && i < first + mutations; i++) {
        seed = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        const struct input *start = &inputs[random_below(input_count)];
        memcpy(mutated.data, start->data, start->size);
        mutated.size = start->size;
        mutate(&mutated);
        snprintf(trying, sizeof trying, "while trying mutation %lu: give %lu as third argument and 1 as second\n", i, i);
        LLVMFuzzerTestOneInput(mutated.data, mutated.size);
    }
    printf("%zu inputs of the corpus and %lu mutations\n", input_count, mutations);
    for (size_t i = 0; i < input_count; i++)
        free(inputs[i].data);
    free(mutated.data);
    return mutated.data == NULL;
}
