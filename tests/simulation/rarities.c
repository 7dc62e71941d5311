// See rarities.h.
#include "tests/simulation/rarities.h"

const char *rarity_name(enum rarity rarity)
{
    static const char *const names[] = {
#define RARITY_NAME(symbol, name) name,
        RARITIES(RARITY_NAME)
#undef RARITY_NAME
    };
    return names[rarity];
}
