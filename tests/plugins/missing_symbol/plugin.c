// Needs a function that no host has: must be refused when it is loaded, not when the function is called.
#include <panther/plugin.h>

int panther_function_of_the_future(struct panther_service *service);

static int start(struct panther_service *service)
{
    return panther_function_of_the_future(service);
}

static const struct panther_iut iut = {NULL, NULL};

PANTHER_PLUGIN(.name = "missing_symbol", .kind = PANTHER_IUT, .version = "1.0", .summary = "calls what is not there", .start = start,
               .iut = &iut);
