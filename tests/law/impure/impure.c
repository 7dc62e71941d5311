// What a core must not do: read a clock, print, unpack. tests/law/purity must find each of it.
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "panther/v1/instance.pb-c.h"

int impure(const unsigned char *data, size_t bytes);

int impure(const unsigned char *data, size_t bytes)
{
    Pb__Note *note = pb__note__unpack(NULL, bytes, data);
    FILE *file = fopen("/dev/null", "w");
    long now = (long)time(NULL);
    if (note != NULL)
        pb__note__free_unpacked(note, NULL);
    if (file != NULL)
        fclose(file);
    return (int)now + (int)write(1, "", 0);
}
