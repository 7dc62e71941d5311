// The one sink of log lines of a program: stderr, one line each: time, level, where, text. Shells log once, at the decision;
// libraries and cores never do. A terminal gets colour; under systemd (JOURNAL_STREAM) the <N> prefix instead of a time.
#ifndef PANTHER_COMMON_SYSTEM_LOG_H
#define PANTHER_COMMON_SYSTEM_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

void log_begin(const char *program, enum log_level least);
int log_level_parse(const char *text, enum log_level *level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
