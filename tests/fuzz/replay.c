// Runs a fuzz target without a fuzzer: every file of the corpus, then mutations of each from a seed, so that ctest finds again what
// it found before. `fuzz_NAME FOLDER...`; PANTHER_FUZZ_SEED and PANTHER_FUZZ_ROUNDS (mutations of each file) change what is tried.
// A crash prints the file, the seed and the round; PANTHER_FUZZ_KEEP=FILE writes the input there before it runs.
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
// Present when the address sanitizer is.
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

#define INPUT_MAX_BYTES 65536
#define FILES_MAX 2048
#define ROUNDS 60
#define CHANGES_MAX 6

struct input {
    char *path;
    uint8_t *data;
    size_t size;
};

static struct input inputs[FILES_MAX];
static size_t input_count;
static char current[1024]; // what is being run, for the last words

static void last_words(void)
{
    size_t length = strlen(current);
    if (write(STDERR_FILENO, current, length) < 0)
        _exit(3);
}

static void on_signal(int number)
{
    last_words();
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t next(uint64_t *state)
{
    uint64_t number = (*state += UINT64_C(0x9e3779b97f4a7c15));
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static size_t below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(next(state) % limit) : 0;
}

// ---- mutations; each keeps the size within INPUT_MAX_BYTES

static size_t insert(uint8_t *data, size_t size, size_t at, const uint8_t *bytes, size_t count)
{
    if (size + count > INPUT_MAX_BYTES)
        return size;
    memmove(data + at + count, data + at, size - at);
    memcpy(data + at, bytes, count);
    return size + count;
}

static size_t splice(uint8_t *data, size_t size, uint64_t *state)
{
    uint8_t piece[256];
    const struct input *from = &inputs[below(state, input_count)];
    size_t start = below(state, from->size), count = below(state, sizeof piece);
    if (count > from->size - start)
        count = from->size - start;
    memcpy(piece, from->data + start, count);
    return insert(data, size, below(state, size + 1), piece, count);
}

static size_t mutate_once(uint8_t *data, size_t size, uint64_t *state)
{
    static const uint8_t odd[] = {0,   1,   '\t', '\n', '"', '$', '&', '(', '*',  ',',  '-',
                                  '.', ':', '<',  '[',  ']', '{', '}', '|', 0x7f, 0x80, 0xff};
    size_t at = below(state, size), count = 1 + below(state, 16);
    uint8_t byte = odd[below(state, sizeof odd)];
    if (count > size - at)
        count = size - at;
    switch (below(state, 6)) {
    case 0:
        if (size > 0)
            data[at] ^= (uint8_t)(1U << below(state, 8));
        return size;
    case 1:
        if (size > 0)
            data[at] = byte;
        return size;
    case 2:
        return insert(data, size, at, &byte, 1);
    case 3:
        memmove(data + at, data + at + count, size - at - count);
        return size - count;
    case 4:
        return below(state, 8) == 0 ? at : size; // cut, but not often
    default:
        return splice(data, size, state);
    }
}

static void run(const struct input *input, uint64_t seed, unsigned long round)
{
    uint8_t *data = malloc(INPUT_MAX_BYTES);
    uint64_t state = seed ^ (round * UINT64_C(0x2545f4914f6cdd1d)) ^ (uint64_t)(input - inputs);
    size_t size = input->size;
    memcpy(data, input->data, size);
    for (size_t changes = round == 0 ? 0 : 1 + below(&state, CHANGES_MAX); changes > 0; changes--)
        size = mutate_once(data, size, &state);
    // an exact allocation, so that the sanitizer sees every byte beyond
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    free(data);
    snprintf(current, sizeof current, "while running %s, PANTHER_FUZZ_SEED=%" PRIu64 ", round %lu\n", input->path, seed, round);
    const char *keep = getenv("PANTHER_FUZZ_KEEP");
    FILE *kept = keep ? fopen(keep, "w") : NULL;
    if (kept) {
        fwrite(exact, 1, size, kept);
        fclose(kept);
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

// ---- corpus

static bool load_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file || input_count == FILES_MAX)
        return false;
    struct input *input = &inputs[input_count++];
    input->data = malloc(INPUT_MAX_BYTES);
    input->size = fread(input->data, 1, INPUT_MAX_BYTES, file);
    input->path = strdup(path);
    fclose(file);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool load_folder(const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, is_visible, alphasort);
    bool is_good = count > 0;
    for (int i = 0; i < count; i++) {
        is_good = load_file(folder, names[i]->d_name) && is_good;
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return is_good;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

int main(int count, char **folders)
{
    for (int i = 1; i < count; i++)
        if (!load_folder(folders[i])) {
            fprintf(stderr, "%s: no corpus here\n", folders[i]);
            return 2;
        }
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(last_words);
    signal(SIGABRT, on_signal);
    if (!__sanitizer_set_death_callback)
        signal(SIGSEGV, on_signal);
    uint64_t seed = setting("PANTHER_FUZZ_SEED", 1);
    unsigned long rounds = setting("PANTHER_FUZZ_ROUNDS", ROUNDS);
    for (size_t i = 0; i < input_count; i++)
        for (unsigned long round = 0; round <= rounds; round++)
            run(&inputs[i], seed, round);
    printf("%zu files, %lu mutations of each, seed %" PRIu64 "\n", input_count, rounds, seed);
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].data);
        free(inputs[i].path);
    }
    return input_count > 0 ? 0 : 2;
}
