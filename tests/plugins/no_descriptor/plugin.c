// A shared object that is no plugin.
__attribute__((visibility("default"))) int nothing_for_panther(void);
int nothing_for_panther(void)
{
    return 0;
}
