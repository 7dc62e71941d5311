#include <stdio.h>
#include <sys/socket.h>
#include "agent/core/core.h"
#include "common/wire/wire.h"
#include "coordinator/core/core.h"
#include "common/base/map.h"
#include "panther/v1/types.pb-c.h"
#  include "coordinator/store/store.h"
// #include "agent/core/core.h" in a comment is none
int f(void) { return pb__note__unpack(0, 0, 0) != 0; }
