#include "common/schema/value.h"
#include <time.h>
