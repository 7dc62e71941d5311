// The YAML subset: what is read, with its places, and what is refused, with what the message says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/yaml.h"

// The tree on one line: a map is {key=value ...}, a list [value ...], a text in quotes 'so', a place @line:column.
static void dump(const struct value *value, struct text *out, bool places)
{
    if (places)
        text_printf(out, "@%u:%u ", value->line, value->column);
    if (value->kind == VALUE_SCALAR) {
        text_printf(out, value->quoted ? "'%s'" : "%s", value->text);
        return;
    }
    text_append(out, value->kind == VALUE_MAP ? "{" : "[");
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            text_append(out, " ");
        if (value->kind == VALUE_MAP && places)
            text_printf(out, "@%u:%u ", value->key_places[i]->line, value->key_places[i]->column);
        if (value->kind == VALUE_MAP)
            text_printf(out, "%s=", value->keys[i]);
        dump(value->items[i], out, places);
    }
    text_append(out, value->kind == VALUE_MAP ? "}" : "]");
}

static void report(const struct diagnostics *diagnostics, struct text *out)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        text_printf(out, "%s%u:%u: %s", i > 0 ? "\n" : "", diagnostics->items[i]->line, diagnostics->items[i]->column,
                    diagnostics->items[i]->message);
}

// What reading gives: the tree, or all mistakes.
static void read_text(const char *text, size_t bytes, bool places, struct text *out)
{
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "t.yaml");
    const struct value *value = yaml_read(text, bytes, arena, &diagnostics);
    assert_int_equal(value == NULL, diagnostics.errors > 0);
    if (value)
        dump(value, out, places);
    else
        report(&diagnostics, out);
    arena_free(&arena);
}

static void expect(const char *text, const char *wanted, bool places)
{
    struct text out = {0};
    read_text(text, strlen(text), places, &out);
    if (strcmp(text_string(&out), wanted) != 0)
        print_error("reading:\n%s\n", text);
    assert_string_equal(text_string(&out), wanted);
    text_free(&out);
}

// A word of the message is enough where the sentence may still be polished.
static void expect_refusal(const char *text, const char *place, const char *words)
{
    struct text out = {0};
    read_text(text, strlen(text), false, &out);
    if (strncmp(text_string(&out), place, strlen(place)) != 0 || !strstr(text_string(&out), words))
        fail_msg("reading:\n%s\ngave:\n%s\nnot:\n%s ... %s", text, text_string(&out), place, words);
    text_free(&out);
}

static void reads_texts_as_they_stand(void **state)
{
    (void)state;
    expect("a: 1.10\nb: 0012345\nc: yes\nd: 0x1f\n", "{a=1.10 b=0012345 c=yes d=0x1f}", false);
    expect("a: {b: $(axes.server), c: 99.9%}", "{a={b=$(axes.server) c=99.9%}}", false);
    expect("[a, 'b', \"c\", |\n d\n]", "1:15: a text cannot start with \"|\"; put it in quotes", false);
    expect("- |\n  d\n- >\n  e\n  f\n", "['d\n' 'e f\n']", false);
    expect("a:\nb: ~\nc: ''\n", "{a= b=~ c=''}", false);
    expect("{}", "{}", false);
    expect("text", "text", false);
    expect("\xef\xbb\xbf"
           "a: caf\xc3\xa9\n",
           "{a=caf\xc3\xa9}", false);
}

static void keeps_places(void **state)
{
    (void)state;
    expect("a:\n  - b\n  - {c: \"d\"}\n", "@1:1 {@1:1 a=@2:3 [@2:5 b @3:5 {@3:6 c=@3:9 'd'}]}", true);
    expect("\xc3\xa9\xc3\xa9: x\n", "@1:1 {@1:1 \xc3\xa9\xc3\xa9=@1:5 x}", true);
}

static void an_alias_is_a_copy(void **state)
{
    (void)state;
    expect("a: &x {b: [c]}\nd: *x\n", "{a={b=[c]} d={b=[c]}}", false);
    const char text[] = "a: &x {b: c}\nd: *x\n";
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    diagnostics_begin(&diagnostics, arena, "t.yaml");
    struct value *value = yaml_read(text, sizeof text - 1, arena, &diagnostics);
    value_map_put(arena, value_get(value, "d"), "b", value_scalar(arena, "changed", 0, 0));
    assert_string_equal(value_get(value_get(value, "a"), "b")->text, "c");
    arena_free(&arena);
}

static void refuses_what_hides_a_meaning(void **state)
{
    (void)state;
    expect("a: 1\nb: 2\na: 3\n", "3:1: the key \"a\" is given twice", false);
    expect("a: &x {b: 1}\nc: {<<: *x}\n", "2:5: merge keys (<<) are not used here; write the keys out", false);
    expect("'<<': 1\n", "{<<=1}", false);
    expect("a: !!str 1\n", "1:4: tags (tag:yaml.org,2002:str) are not used here; if this is a text, put it in quotes", false);
    expect("a: !x [b]\n", "1:4: tags (!x) are not used here; if this is a text, put it in quotes", false);
    expect("a: 1\n---\nb: 2\n", "2:1: a second document (---) in one file; put it in a file of its own", false);
    expect("%YAML 1.1\n---\na: 1\n", "1:1: directives (%YAML, %TAG) are not used here", false);
    expect("a: *x\nb: &x 1\n", "1:4: there is no anchor \"x\" before this alias; if \"*x\" is a text, put it in quotes", false);
    expect("a: &x [*x]\n", "1:8: there is no anchor \"x\" before this alias; if \"*x\" is a text, put it in quotes", false);
    expect("a: &x 1\nb: &x 2\n", "2:4: the anchor \"x\" is given twice", false);
    expect("? [a, {b: c}]\n: 1\nd: 2\n", "1:3: a key must be text, this is a list", false);
    expect("a: &x b\n*x : 1\n", "2:1: an alias (*x) cannot be a key", false);
    expect("&x a: 1\n", "1:1: an anchor cannot stand at a key", false);
    expect("\"\": 1\n", "1:1: the key before \":\" is empty", false);
    expect("a: \"x\\0y\"\n", "1:4: a text cannot contain the character NUL", false);
    expect("", "1:1: the file is empty", false);
    expect("# only a comment\n", "1:1: the file is empty", false);
}

static void says_what_to_put_in_quotes(void **state)
{
    (void)state;
    expect_refusal("a: *.pcap\n", "1:4: ", "\"*\" is an alias in YAML; put it in quotes");
    expect_refusal("a: @x\n", "1:4: ", "cannot start with \"@\"; put it in quotes");
    expect_refusal("a: `x`\n", "1:4: ", "cannot start with \"`\"; put it in quotes");
    expect_refusal("a: %x\n", "1:4: ", "cannot start with \"%\"; put it in quotes");
    expect_refusal("a: >=1.26\n", "1:4: ", "\">\" is a block of lines in YAML; put it in quotes");
    expect_refusal("a: |x\n", "1:4: ", "\"|\" is a block of lines in YAML; put it in quotes");
    expect_refusal("a: [::1]:443\n", "1:5: ", "such as [::1], put it in quotes");
    expect_refusal("a: [::1]\n", "1:5: ", "such as [::1], put it in quotes");
    expect_refusal("a: &\n", "1:4: ", "put it in quotes");
    expect_refusal("a: b: c\n", "1:5: ", "put a text that contains \": \" in quotes");
    expect_refusal("a: ,b\n", "1:4: ", "cannot start with \",\"; put it in quotes");
    expect_refusal("a: {b: ${x}}\n", "1:9: ", "put a text with braces in quotes");
    expect_refusal("a: 'x'y\n", "1:7: ", "put in quotes");
    expect_refusal("a: \"x\n", "1:4: ", "no closing quote");
    expect_refusal("a: \"\\q\"\n", "1:5: ", "single quotes");
    expect_refusal("a:\n\tb: 1\n", "2:1: ", "indent with spaces");
    expect_refusal("a:\n  b: 1\n c: 2\n", "3:2: ", "wrong indentation");
    expect_refusal("a: [1, 2\n", "2:1: ", "\"]\" is expected");
    expect_refusal("a: \xff\n", "1:4: ", "0xff");
    expect_refusal("a: 1\nb: \x01\n", "2:4: ", "0x01");
}

static void tells_all_mistakes_at_once(void **state)
{
    (void)state;
    expect("a: !x 1\na: 2\nb: *y\n",
           "1:4: tags (!x) are not used here; if this is a text, put it in quotes\n"
           "2:1: the key \"a\" is given twice\n"
           "3:4: there is no anchor \"y\" before this alias; if \"*y\" is a text, put it in quotes",
           false);
}

static void refuses_depth(void **state)
{
    (void)state;
    char text[128];
    memset(text, '[', 40);
    memset(text + 40, ']', 40);
    text[80] = '\0';
    expect(text, "1:33: nested more than 32 deep", false);
    expect("a: &a [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]\nb: &b [[[[[[[[[[*a]]]]]]]]]]\nc: [[[[[[[[*b]]]]]]]]\n", "3:12: nested more than 32 deep",
           false);
}

static void a_bomb_of_aliases_ends_early(void **state)
{
    (void)state;
    struct text bomb = {0};
    text_append(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        text_printf(&bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            text_printf(&bomb, "%s*a%d", j > 0 ? ", " : "", i - 1);
        text_append(&bomb, "]\n");
    }
    struct text out = {0};
    read_text(text_string(&bomb), bomb.length, false, &out);
    assert_string_equal(text_string(&out), "6:10: more than 200000 values (aliases counted by what they stand for)");
    text_free(&bomb);
    text_free(&out);
}

static void a_map_of_many_keys_is_quick(void **state)
{
    (void)state;
    struct text many = {0};
    for (int i = 0; i < 90000; i++)
        text_printf(&many, "k%d: v\n", i);
    struct text out = {0};
    read_text(text_string(&many), many.length, false, &out);
    assert_int_equal(strncmp(text_string(&out), "{k0=v k1=v ", 11), 0);
    text_free(&many);
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_texts_as_they_stand),
        cmocka_unit_test(keeps_places),
        cmocka_unit_test(an_alias_is_a_copy),
        cmocka_unit_test(refuses_what_hides_a_meaning),
        cmocka_unit_test(says_what_to_put_in_quotes),
        cmocka_unit_test(tells_all_mistakes_at_once),
        cmocka_unit_test(refuses_depth),
        cmocka_unit_test(a_bomb_of_aliases_ends_early),
        cmocka_unit_test(a_map_of_many_keys_is_quick),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
