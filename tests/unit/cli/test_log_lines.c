// How `panther-coord logs` prints what came of streams, in whatever pieces it came.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/cli/log_lines.h"

struct capture {
    FILE *file;
    int saved;
    struct log_lines lines;
    struct text server, client; // rests of two streams
};

static struct capture begin(enum report_format format)
{
    struct capture capture = {.file = tmpfile(), .saved = dup(STDOUT_FILENO)};
    fflush(stdout);
    dup2(fileno(capture.file), STDOUT_FILENO);
    log_lines_begin(&capture.lines, format, false);
    return capture;
}

static void server(struct capture *capture, const char *data)
{
    log_lines_print(&capture->lines, "server", &capture->server, data, strlen(data));
}

static void client(struct capture *capture, const char *data)
{
    log_lines_print(&capture->lines, "client", &capture->client, data, strlen(data));
}

static void end(struct capture *capture, const char *wanted)
{
    char seen[512] = "";
    log_lines_flush(&capture->lines, "server", &capture->server);
    log_lines_flush(&capture->lines, "client", &capture->client);
    log_lines_end(&capture->lines);
    fflush(stdout);
    dup2(capture->saved, STDOUT_FILENO);
    close(capture->saved);
    rewind(capture->file);
    seen[fread(seen, 1, sizeof seen - 1, capture->file)] = 0;
    fclose(capture->file);
    text_free(&capture->server);
    text_free(&capture->client);
    assert_string_equal(seen, wanted);
}

static void one_stream_goes_into_a_pipe_as_it_is(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_TABLE);
    server(&capture, "one\n\033[31mtw");
    server(&capture, "o\xff\r\n\nlast");
    end(&capture, "one\n\033[31mtwo\xff\r\n\nlast");
}

static void lines_of_two_streams_do_not_mix(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_TABLE);
    capture.lines.prefixed = true;
    server(&capture, "list");
    client(&capture, "connect\nse");
    server(&capture, "ening\n\n");
    client(&capture, "nt");
    end(&capture, "client| connect\nserver| listening\nserver| \nclient| sent\n");
}

static void a_terminal_is_not_commanded(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_TABLE);
    capture.lines.terminal = true;
    server(&capture, "a\033]0;title\007\tb\r\ngr\xc3");
    server(&capture, "\xbcn\n");
    end(&capture, "a\\x1b]0;title\\x07\tb\ngr\xc3\xbcn\n");
}

static void names_are_dim_on_a_terminal(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_TABLE);
    capture.lines.prefixed = capture.lines.colour = true;
    server(&capture, "up\n");
    end(&capture, "\033[2mserver\033[0m| up\n");
}

static void an_object_per_line(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_JSONL);
    server(&capture, "say \"hi\"\nno end\xff");
    end(&capture, "{\"name\":\"server\",\"text\":\"say \\\"hi\\\"\"}\n{\"name\":\"server\",\"text\":\"no end\ufffd\"}\n");
}

static void an_array_of_objects(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_JSON);
    server(&capture, "a\n");
    client(&capture, "b\n");
    end(&capture, "[{\"name\":\"server\",\"text\":\"a\"}\n,{\"name\":\"client\",\"text\":\"b\"}\n]\n");
    capture = begin(REPORT_JSON);
    end(&capture, "[]\n");
}

static void a_line_without_end_is_printed_in_pieces(void **state)
{
    (void)state;
    struct capture capture = begin(REPORT_TABLE);
    capture.lines.prefixed = true;
    char piece[1025];
    memset(piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = 0;
    for (int i = 0; i < 1024; i++) {
        server(&capture, piece);
        assert_true(capture.server.length <= 128 * 1024); // of a megabyte
    }
    fflush(stdout);
    assert_true(ftell(capture.file) > 512 * 1024);
    assert_int_equal(ftruncate(fileno(capture.file), 0), 0);
    lseek(STDOUT_FILENO, 0, SEEK_SET);
    text_clear(&capture.server);
    end(&capture, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stream_goes_into_a_pipe_as_it_is),
        cmocka_unit_test(lines_of_two_streams_do_not_mix),
        cmocka_unit_test(a_terminal_is_not_commanded),
        cmocka_unit_test(names_are_dim_on_a_terminal),
        cmocka_unit_test(an_object_per_line),
        cmocka_unit_test(an_array_of_objects),
        cmocka_unit_test(a_line_without_end_is_printed_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
