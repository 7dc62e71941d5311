// A timeline as text, as rows, and as a page: lanes of hosts and services above a list, both with the same zoom and filter.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/report/markup.h"
#include "coordinator/report/page.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/timeline.h"

#define LINE_BYTES 600

static void append_bound(const struct timeline *timeline, struct text *out)
{
    text_printf(out, "zero is the first entry; clocks of hosts are known to %.3f ms", (double)timeline->error_ns / 1e6);
    if (timeline->moved) {
        text_printf(out, "; %zu entries were moved, by at most %.3f ms, so that no effect stands before its cause", timeline->moved,
                    (double)timeline->moved_most_ns / 1e6);
    }
    for (int source = 0; source < TIMELINE_SOURCES; source++) {
        if (timeline->left_out[source]) {
            text_printf(out, "; %zu of %s are left out", timeline->left_out[source], timeline_source_name((enum timeline_source)source));
        }
        if (timeline->unplaced[source]) {
            text_printf(out, "; nothing says when %zu of %s were", timeline->unplaced[source],
                        timeline_source_name((enum timeline_source)source));
        }
    }
    if (timeline->arrivals) {
        text_printf(out, "; %zu are placed by when they were received, as their host's clock was not measured yet", timeline->arrivals);
    }
}

void timeline_text(const struct timeline *timeline, struct text *out)
{
    char line[LINE_BYTES];
    append_bound(timeline, out);
    text_append(out, "\n");
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_entry *entry = &timeline->entries[i];
        readable_line(entry->text, line, sizeof line);
        text_printf(out, "%12.6f%c  %-12s %-10s %-16s %s\n", (double)(entry->time_ns - timeline->zero_ns) / 1e9,
                    entry->is_arrival ? '?'
                    : entry->moved_ns ? '~'
                                      : ' ',
                    entry->host, entry->service, entry->kind, line);
    }
}

struct table *timeline_table(const struct timeline *timeline)
{
    static const char *const columns[] = {"offset_ns", "time_ns", "error_ns", "moved_ns", "placed_by", "host",
                                          "service",   "kind",    "text",     "sequence", "source"};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_entry *entry = &timeline->entries[i];
        char numbers[5][24];
        snprintf(numbers[0], sizeof *numbers, "%" PRId64, entry->time_ns - timeline->zero_ns);
        snprintf(numbers[1], sizeof *numbers, "%" PRId64, entry->time_ns);
        snprintf(numbers[2], sizeof *numbers, "%" PRIu64, entry->error_ns);
        snprintf(numbers[3], sizeof *numbers, "%" PRId64, entry->moved_ns);
        bool is_record = entry->source <= TIMELINE_METRICS;
        snprintf(numbers[4], sizeof *numbers, "%.0" PRIu64, is_record ? entry->sequence : 0);
        const char *placed = entry->is_arrival ? "arrival" : entry->moved_ns ? "causality" : "clock";
        table_add(table, (const char *const[]){numbers[0], numbers[1], numbers[2], numbers[3], placed, entry->host, entry->service,
                                               entry->kind, entry->text, numbers[4], timeline_source_name(entry->source)});
    }
    return table;
}

// ---- a page

// Wheel: zoom around the pointer; drag: move; a box for each source; the words of the filter must all stand in an entry, one with "-" in
// front must not. Of entries on the same pixel of a lane one is drawn, so that a hundred thousand of them can be moved.
static const char SCRIPT[] =
    "const $=i=>document.getElementById(i),rows=JSON.parse($('data').textContent),svg=$('lanes'),list=$('list'),box=$('filter');\n"
    "const lanes=[...new Set(rows.map(r=>r.host+' '+r.service))],sources=[...new Set(rows.map(r=>r.source))];\n"
    "const all=[0,Math.max(1,rows.length?rows[rows.length-1].offset_ns:1)*1.02],off=new Set();\n"
    "for(const r of rows){r.lane=lanes.indexOf(r.host+' '+r.service);r.words=(r.host+' '+r.service+' '+r.kind+' '+r.text).toLowerCase()}\n"
    "let view=[...all];const W=1100,L=190,H=24,NS='http://www.w3.org/2000/svg';\n"
    "const x=t=>L+(t-view[0])/(view[1]-view[0])*(W-L-10);\n"
    "function put(n,a,t){const e=document.createElementNS(NS,n);for(const k in a)e.setAttribute(k,a[k]);if(t!==undefined)e.textContent=t;\n"
    "svg.append(e);return e}\n"
    "function draw(){const words=box.value.toLowerCase().split(/\\s+/).filter(w=>w),drawn=new Set();svg.replaceChildren();\n"
    "list.replaceChildren();svg.setAttribute('viewBox',`0 0 ${W} ${lanes.length*H+30}`);\n"
    "lanes.forEach((l,i)=>{put('text',{x:4,y:i*H+16},l);put('path',{class:'axis',d:`M${L} ${i*H+12}H${W-10}`})});\n"
    "const seen=rows.filter(r=>r.offset_ns>=view[0]&&r.offset_ns<=view[1]&&!off.has(r.source)&&\n"
    "words.every(w=>w[0]==='-'&&w.length>1?!r.words.includes(w.slice(1)):r.words.includes(w)));\n"
    "for(const r of seen){const at=Math.round(x(r.offset_ns)),key=r.lane+' '+r.source+' '+at;if(drawn.has(key))continue;drawn.add(key);\n"
    "const c=put('circle',{cx:at,cy:r.lane*H+12,r:r.source==='journal'?4:3,class:r.source}),t=document.createElementNS(NS,'title');\n"
    "t.textContent=`${(r.offset_ns/1e9).toFixed(6)} ${r.kind}: ${r.text}`;c.append(t)}\n"
    "for(const r of seen.slice(0,2000)){const tr=list.insertRow();for(const v of[(r.offset_ns/1e9).toFixed(6),r.host,r.service,r.kind,\n"
    "r.text,r.placed_by==='clock'?'±'+(r.error_ns/1e6).toFixed(3)+' ms':r.placed_by])tr.insertCell().textContent=v}\n"
    "$('span').textContent=`${(view[0]/1e9).toFixed(6)} s to ${(view[1]/1e9).toFixed(6)} s, ${seen.length} of ${rows.length}`+\n"
    "(seen.length>2000?', of which the first 2000 are listed':'')}\n"
    "for(const s of sources){const l=document.createElement('label'),b=document.createElement('input');b.type='checkbox';b.checked=true;\n"
    "b.addEventListener('change',()=>{b.checked?off.delete(s):off.add(s);draw()});l.append(b,' '+s+' "
    "');l.className=s;$('sources').append(l)}\n"
    "svg.addEventListener('wheel',e=>{e.preventDefault();const b=svg.getBoundingClientRect(),p=((e.clientX-b.left)/b.width*W-L)/(W-L-10),\n"
    "f=e.deltaY<0?.8:1.25,m=view[0]+p*(view[1]-view[0]);view=[m-(m-view[0])*f,m+(view[1]-m)*f];draw()},{passive:false});\n"
    "let from=null;svg.addEventListener('pointerdown',e=>{from=e.clientX});window.addEventListener('pointerup',()=>{from=null});\n"
    "svg.addEventListener('pointermove',e=>{if(from===null)return;const "
    "d=(from-e.clientX)/svg.getBoundingClientRect().width*(view[1]-view[0]);\n"
    "from=e.clientX;view=[view[0]+d,view[1]+d];draw()});\n"
    "$('whole').addEventListener('click',()=>{view=[...all];draw()});box.addEventListener('input',draw);draw();\n";

static const char STYLE[] =
    "<style>.plot .journal{fill:#3b78b4}.plot .metrics{fill:#8a5fb0}.plot .logs{fill:#77808a}.plot .packets{fill:#2f8f4e}"
    ".plot .qlog{fill:#c07a1a}label.journal{color:#3b78b4}label.metrics{color:#8a5fb0}label.logs{color:#77808a}"
    "label.packets{color:#2f8f4e}label.qlog{color:#c07a1a}</style>\n";

void timeline_html(const struct timeline *timeline, const char *title, struct text *out)
{
    struct table *table = timeline_table(timeline);
    struct text json = {0}, bound = {0};
    table_append_json(table, &json);
    append_bound(timeline, &bound);
    page_begin(out, title);
    text_append(out, STYLE);
    text_append(out, "<p>");
    markup_append(out, text_string(&bound));
    text_append(out, "</p>\n<p><label>filter <input id=\"filter\" size=\"40\"></label> <button id=\"whole\">whole</button> <span "
                     "id=\"sources\"></span> <span id=\"span\" class=\"dim\"></span></p>\n<svg id=\"lanes\" class=\"plot\" "
                     "width=\"100%\"></svg>\n<table><thead><tr><th>s</th><th>host</th>"
                     "<th>service</th><th>kind</th><th>what</th><th>placed</th></tr></thead><tbody id=\"list\"></tbody></table>\n"
                     "<script type=\"application/json\" id=\"data\">");
    markup_append_script(out, text_string(&json));
    text_printf(out, "</script>\n<script>\n%s</script>\n", SCRIPT);
    page_end(out);
    text_free(&json);
    text_free(&bound);
    table_free(&table);
}
