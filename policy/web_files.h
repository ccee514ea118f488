/* web_files.h - the dashboard's files, which are compiled in (policy/web/) */
#ifndef KWOTA_WEB_FILES_H
#define KWOTA_WEB_FILES_H

extern const char web_index_html[], web_refused_html[], web_entered_html[],
    web_kwota_css[], web_kwota_js[];

#endif
