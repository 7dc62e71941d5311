// Linked with what guard and host must not be linked with, for the test of the test.
#include <sqlite3.h>

int main(void)
{
    return sqlite3_libversion_number() == 0;
}
