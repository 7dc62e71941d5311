#include <czmq.h>
#include "agent/host/host.h"
#include "common/wire/wire.h"
#include "beside.h"
