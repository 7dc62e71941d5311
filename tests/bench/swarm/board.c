#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "common/base/error.h"

static size_t board_bytes(uint32_t count)
{
    return sizeof(struct board) + count * sizeof(struct seat);
}

struct board *board_new(uint32_t count)
{
    struct board *board = mmap(NULL, board_bytes(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(board != MAP_FAILED);
    board->count = count;
    return board;
}

void board_free(struct board **board)
{
    if (*board)
        munmap(*board, board_bytes((*board)->count));
    *board = NULL;
}

uint32_t board_reconciled(const struct board *board)
{
    uint32_t reconciled = 0;
    for (uint32_t i = 0; i < board->count; i++)
        reconciled += atomic_load(&board->seats[i].reconciled_ns) != 0;
    return reconciled;
}

uint64_t board_last_reconciled_ns(const struct board *board)
{
    uint64_t last_ns = 0;
    for (uint32_t i = 0; i < board->count; i++) {
        uint64_t since_ns = atomic_load(&board->seats[i].reconciled_ns);
        if (since_ns == 0)
            return 0;
        last_ns = since_ns > last_ns ? since_ns : last_ns;
    }
    return last_ns;
}

void board_fault(struct board *board, const char *format, ...)
{
    if (atomic_fetch_add(&board->faults, 1) > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(board->fault, sizeof board->fault, format, arguments);
    va_end(arguments);
}
