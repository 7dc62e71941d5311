// panther-coord retention: what the rules would take away now.
#include <stdio.h>

#include "coordinator/cli/client.h"

int cli_retention(int argc, char **argv)
{
    static const char *const columns[] = {"run", "contents_count", "size_bytes", "text"};
    struct simple_arguments arguments = {0};
    simple_parse(
        argc, argv, "",
        "Shows the coordinator's rules of retention and what they would remove now, run by run. Nothing is removed by asking; `pin` "
        "keeps a run's evidence, and verdicts always stay.",
        &arguments);
    struct client *client = &arguments.client;
    Pb__GetRetention get = PB__GET_RETENTION__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_GET_RETENTION;
    request.get_retention = &get;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    if (!status) {
        const Pb__Retention *told = reply->retention;
        struct table *table = table_new(columns, 4);
        for (size_t i = 0; i < told->n_rows; i++) {
            const Pb__RetentionRow *row = told->rows[i];
            const char *values[] = {row->run, arena_printf(client->arena, "%llu", (unsigned long long)row->contents),
                                    arena_printf(client->arena, "%llu", (unsigned long long)row->size_bytes), row->why};
            table_add(table, values);
        }
        table_print(table, client->format, stdout, client->colour);
        if (client->format == REPORT_TABLE) {
            char size[32];
            report_value("size_bytes", arena_printf(client->arena, "%llu", (unsigned long long)told->kept_bytes), size, sizeof size);
            printf("%s of evidence are stored. %s%s\n", size, told->rules, told->left_out ? "; more would go than is shown" : "");
        }
        table_free(&table);
    }
    client_close(client);
    return status;
}
