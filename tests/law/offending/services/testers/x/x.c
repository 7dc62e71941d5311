#include <panther/plugin.h>
#include "common/base/map.h"
#include "panther/v1/types.pb-c.h"
#include "tests/messages/fill.h"
