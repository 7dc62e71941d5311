// panther-coord: the coordinator and everything a person asks of it. The commands are in cli/.
#include "coordinator/cli/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
