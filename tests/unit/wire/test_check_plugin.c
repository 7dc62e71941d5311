// What a plugin may say about itself.
#include "expect.h"

#define DESCRIPTION(valid, changes) EXPECT(plugin_description, plugin_description_invalid, "", valid, "", changes)
#define OPTION(valid, changes)                                                                                                             \
    EXPECT(plugin_description, plugin_description_invalid, "name: \"x\" kind: PLUGIN_KIND_IUT abi_major: 1 options {", valid, "}", changes)

static void descriptions(void **state)
{
    (void)state;
    static const struct change iut[] = {
        {"name: \"Nginx\"", "description.name is not a name"},
        {"kind: 0", "description.kind is not set"},
        {"abi_major: 0", "description.abi_major is not set"},
        {"summary: \"s\"*4097", "description.summary is too long"},
        {"protocols { name: \"http\" }", "protocol.roles are not names"},
        {"protocols { name: \"http\" roles: \"server\" versions: \"\" }", "protocol.versions are too many or unprintable"},
        {"cases { name: \"x\" }", "description of an implementation has what only testers have: cases or drives"},
        {"executes: true", NULL},
        {"options { name: \"a\" type: 1 } options { name: \"a\" type: 2 }", "description.options has a name twice"},
        {"programs: \"p\"*256", "description.programs are too many or too long"},
    };
    DESCRIPTION("name: \"nginx\" kind: PLUGIN_KIND_IUT abi_major: 1 protocols { name: \"http\" versions: \"1.1\" roles: \"server\" }", iut);
    static const struct change tester[] = {
        {"cases { }", "case.name is empty or unprintable"},
        {"cases { name: \"x\" needs: \"\" }", "case.needs are too many or unprintable"},
        {"drives { }", "drive.name is not a name"},
        {"drives { name: \"server\" protocol: \"HTTP\" }", "drive.protocol is not a name"},
        {"executes: true", NULL},
    };
    DESCRIPTION("name: \"h2load\" kind: PLUGIN_KIND_TESTER abi_major: 1 cases { name: \"throughput\" needs: \"h2\" } drives { name: "
                "\"server\" role: \"server\" }",
                tester);
}

static void options(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"name: \"Port\"", "option.name is not a name"},
        {"type: 0", "option.type is not set"},
        {"type: 99", "a value of an enum is not known"},
        {"required: true", "option.required has a default, which nobody would see"},
        {"required: true default_value: \"\"", NULL},
        {"default_value: \"v\"*65537", "option.default_value is too long"},
        {"has_range: true minimum: 5 maximum: 1", "option.minimum is above its maximum"},
        {"has_range: true maximum: inf", "option.minimum or maximum is not a number"},
        {"type: OPTION_TYPE_CHOICE", "option.choices are missing"},
        {"type: OPTION_TYPE_CHOICE choices: \"a\"", NULL},
        {"help: \"h\"*4097", "option.help is too long"},
    };
    OPTION("name: \"port\" type: OPTION_TYPE_INTEGER default_value: \"80\" has_range: true minimum: 1 maximum: 65535", changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptions), cmocka_unit_test(options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
