#include "coordinator/report/page.h"

#include "coordinator/report/markup.h"

// default-src 'none': whatever a tested program printed into the page, nothing is fetched or sent.
static const char HEAD[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:1.5em auto;max-width:76em;padding:0 1em;color:#1b1f24;background:#fff}\n"
    "h1{font-size:1.4em}h2{font-size:1.15em;margin-top:1.6em}code,pre,.mono{font:12px/1.4 ui-monospace,monospace}\n"
    "table{border-collapse:collapse;margin:.4em 0}th,td{border:1px solid #d5dae0;padding:.2em .55em;text-align:left;vertical-align:top}\n"
    "th{background:#f3f5f7}td{overflow-wrap:break-word;max-width:40em}a{color:#0b57a4}details{margin:.3em 0}summary{cursor:pointer}\n"
    ".pass{background:#d9f2dd}.fail{background:#f9d3d0}.error{background:#ecd5f2}.inconc{background:#fcebc4}.none,.running{background:#"
    "eceff2}\n"
    ".matrix td{text-align:center;min-width:1.6em}.matrix td:first-child{text-align:left}.plot{display:block;margin:.6em 0;font:11px "
    "sans-serif}\n"
    ".plot .title{font-weight:600}.plot rect,.plot circle{fill:#3b78b4;fill-opacity:.75}.plot .axis{stroke:#77808a;fill:none}\n"
    ".plot .mean{stroke:#b3371f;stroke-width:2;fill:none}.dim{color:#68717b}.cell{scroll-margin-top:3em}\n"
    "@media(prefers-color-scheme:dark){body{background:#14171a;color:#dfe3e8}th{background:#22272d}th,td{border-color:#394048}a{color:#"
    "7ab7f5}\n"
    ".pass{background:#153d1f}.fail{background:#56201c}.error{background:#43224e}.inconc{background:#4a3a10}.none,.running{background:#"
    "272c32}\n"
    ".plot text{fill:#dfe3e8}.dim{color:#9aa5b0}}\n"
    "</style>\n<title>";

void page_begin(struct text *out, const char *title)
{
    text_append(out, HEAD);
    markup_append(out, title);
    text_append(out, "</title></head><body>\n<h1>");
    markup_append(out, title);
    text_append(out, "</h1>\n");
}

void page_end(struct text *out)
{
    text_append(out, "</body></html>\n");
}

void page_cell(struct text *out, const char *value)
{
    text_append(out, "<td>");
    markup_append(out, value);
    text_append(out, "</td>");
}

void page_verdict(struct text *out, const char *verdict)
{
    text_append(out, "<td class=\"");
    markup_append(out, verdict);
    text_append(out, "\">");
    markup_append(out, verdict);
    text_append(out, "</td>");
}

void page_headings(struct text *out, const char *const *names)
{
    text_append(out, "<table><tr>");
    for (; *names; names++) {
        text_append(out, "<th>");
        markup_append(out, *names);
        text_append(out, "</th>");
    }
    text_append(out, "</tr>\n");
}
