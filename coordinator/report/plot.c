#include "coordinator/report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "coordinator/report/markup.h"

#define WIDTH 840.0
#define LEFT 370.0 // names of groups
#define NAME_BYTES 56
#define ROW 22.0
#define TOP 30.0
#define BOTTOM 26.0
#define BARS_HEIGHT 120.0
#define LINE_ROW 15.0 // names of lines
// More bars than pixels say nothing; more dots than these in a row hide each other.
#define BARS_MAX 40
#define DOTS_MAX 400

struct axis {
    double least, most, left, width;
};

static double axis_at(const struct axis *axis, double value)
{
    double span = axis->most - axis->least;
    return axis->left + (span > 0 ? (value - axis->least) / span : 0.5) * axis->width;
}

static void begin(struct text *out, const char *title, const char *unit, double height)
{
    text_printf(
        out,
        "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\"><text class=\"title\" x=\"4\" y=\"16\">",
        WIDTH, height, WIDTH, height);
    markup_append(out, title);
    if (*unit) {
        text_append(out, " [");
        markup_append(out, unit);
        text_append(out, "]");
    }
    text_append(out, "</text>");
}

static void draw_axis(struct text *out, const struct axis *axis, double y)
{
    text_printf(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", axis->left, y, axis->left + axis->width);
    text_printf(out, "<text x=\"%.1f\" y=\"%.1f\">%.4g</text>", axis->left, y + 14, axis->least);
    text_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>", axis->left + axis->width, y + 14, axis->most);
}

static void stretch(struct axis *axis, const struct sample *sample)
{
    for (size_t i = 0; i < sample->count; i++) {
        axis->least = fmin(axis->least, sample->values[i]);
        axis->most = fmax(axis->most, sample->values[i]);
    }
}

static void draw_group(struct text *out, const struct axis *axis, const struct plot_group *group, double y)
{
    struct summary summary = sample_summary(group->sample);
    bool is_cut = strlen(group->name) > NAME_BYTES;
    CLEANUP_FREE char *name = memory_printf("%.*s%s", NAME_BYTES, *group->name ? group->name : "-", is_cut ? "..." : "");
    text_printf(out, "<text x=\"4\" y=\"%.1f\"><title>", y + 4);
    markup_append(out, group->name);
    text_append(out, "</title>");
    markup_append(out, name);
    text_append(out, "</text>");
    size_t step = 1 + group->sample->count / DOTS_MAX;
    for (size_t i = 0; i < group->sample->count; i += step) {
        text_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>%.6g</title></circle>", axis_at(axis, group->sample->values[i]), y,
                    group->sample->values[i]);
    }
    double x = axis_at(axis, summary.mean);
    text_printf(out, "<path class=\"mean\" d=\"M%.1f %.1fV%.1f\"><title>mean %.6g, n %zu</title></path>", x, y - 8, y + 8, summary.mean,
                summary.count);
}

void plot_groups(struct text *out, const char *title, const char *unit, const struct plot_group *groups, size_t count)
{
    struct axis axis = {INFINITY, -INFINITY, LEFT, WIDTH - LEFT - 12};
    double bottom = TOP + ROW * (double)count;
    for (size_t i = 0; i < count; i++) {
        stretch(&axis, groups[i].sample);
    }
    if (!(axis.least <= axis.most)) {
        return; // nothing was measured
    }
    begin(out, title, unit, bottom + BOTTOM);
    for (size_t i = 0; i < count; i++) {
        draw_group(out, &axis, &groups[i], TOP + ROW * ((double)i + 0.5));
    }
    draw_axis(out, &axis, bottom);
    text_append(out, "</svg>\n");
}

// Freedman and Diaconis (1981): as wide as the middle half and the number of values say.
static size_t bars_wanted(const struct sample *sample, const struct axis *axis)
{
    double half = sample_quantile(sample, 0.75) - sample_quantile(sample, 0.25);
    double width = 2 * half / cbrt((double)sample->count), span = axis->most - axis->least;
    if (span <= 0) {
        return 1;
    }
    double bars = width > 0 ? ceil(span / width) : sqrt((double)sample->count);
    return bars < 1 ? 1 : bars > BARS_MAX ? BARS_MAX : (size_t)bars;
}

static void draw_bars(struct text *out, const struct axis *axis, const struct sample *sample)
{
    size_t counts[BARS_MAX] = {0}, bars = bars_wanted(sample, axis), most = 1;
    double span = axis->most - axis->least, width = axis->width / (double)bars;
    for (size_t i = 0; i < sample->count; i++) {
        size_t bar = span > 0 ? (size_t)((sample->values[i] - axis->least) / span * (double)bars) : 0;
        bar = bar < bars ? bar : bars - 1;
        most = ++counts[bar] > most ? counts[bar] : most;
    }
    for (size_t i = 0; i < bars; i++) {
        double height = BARS_HEIGHT * (double)counts[i] / (double)most;
        double from = axis->least + span * (double)i / (double)bars;
        text_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>from %.5g: %zu</title></rect>",
                    axis->left + width * (double)i, TOP + BARS_HEIGHT - height, width > 2 ? width - 1 : width, height, from, counts[i]);
    }
}

void plot_distribution(struct text *out, const char *title, const char *unit, const struct sample *sample)
{
    static const struct {
        double share;
        const char *name;
    } marks[] = {{0.5, "p50"}, {0.95, "p95"}, {0.99, "p99"}};
    struct axis axis = {INFINITY, -INFINITY, 12, WIDTH - 24};
    stretch(&axis, sample);
    if (!(axis.least <= axis.most)) {
        return;
    }
    begin(out, title, unit, TOP + BARS_HEIGHT + BOTTOM);
    draw_bars(out, &axis, sample);
    text_printf(out, "<text x=\"%.0f\" y=\"16\" text-anchor=\"end\">n %zu", WIDTH - 4, sample->count);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        text_printf(out, ", %s %.5g", marks[i].name, sample_quantile(sample, marks[i].share));
    }
    text_append(out, "</text>");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        text_printf(out, "<path class=\"mean\" d=\"M%.1f %.1fV%.1f\"><title>%s</title></path>",
                    axis_at(&axis, sample_quantile(sample, marks[i].share)), TOP, TOP + BARS_HEIGHT, marks[i].name);
    }
    draw_axis(out, &axis, TOP + BARS_HEIGHT);
    text_append(out, "</svg>\n");
}

// Told apart also in print and by those who see red and green alike (Okabe and Ito); a line beyond begins anew, dashed.
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
#define COLOURS (sizeof colours / sizeof *colours)

static void draw_line(struct text *out, const struct axis *across, double most, const struct plot_line *line, size_t number, size_t values)
{
    text_printf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s d=\"", colours[number % COLOURS],
                number < COLOURS ? "" : " stroke-dasharray=\"4 3\"");
    for (size_t i = 0; i < values; i++) {
        text_printf(out, "%c%.1f %.1f", i ? 'L' : 'M', axis_at(across, (double)i),
                    TOP + BARS_HEIGHT - (most > 0 ? line->values[i] / most : 0) * BARS_HEIGHT);
    }
    text_append(out, "\"><title>");
    markup_append(out, line->name);
    text_append(out, "</title></path>");
}

// Where the names of lines stand, each in its colour.
static void draw_name(struct text *out, const struct plot_line *line, size_t number)
{
    double y = TOP + 10 + LINE_ROW * (double)number;
    text_printf(out, "<path stroke=\"%s\" stroke-width=\"3\"%s d=\"M4 %.1fH16\"/><text x=\"20\" y=\"%.1f\">", colours[number % COLOURS],
                number < COLOURS ? "" : " stroke-dasharray=\"4 3\"", y - 4, y);
    char name[64];
    snprintf(name, sizeof name, "%.24s", line->name);
    markup_append(out, name);
    text_append(out, "</text>");
}

void plot_lines(struct text *out, const char *title, const char *unit, const struct plot_line *lines, size_t count, size_t values,
                double step)
{
    struct axis across = {0, values > 1 ? (double)(values - 1) : 1, LEFT + LINE_ROW, WIDTH - LEFT - LINE_ROW - 12};
    struct axis shown = {0, across.most * step, across.left, across.width};
    double most = 0, bottom = fmax(TOP + BARS_HEIGHT, TOP + LINE_ROW * (double)count);
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < values; at++) {
            most = fmax(most, lines[i].values[at]);
        }
    }
    if (!count || !values) {
        return;
    }
    begin(out, title, unit, bottom + BOTTOM);
    text_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>", WIDTH - 12, TOP - 4, most);
    for (size_t i = 0; i < count; i++) {
        draw_line(out, &across, most, &lines[i], i, values);
        draw_name(out, &lines[i], i);
    }
    draw_axis(out, &shown, TOP + BARS_HEIGHT);
    text_append(out, "</svg>\n");
}
