/* manual.h - what the manual pages say, compiled in (tools/manpages) */
#ifndef KWOTA_MANUAL_H
#define KWOTA_MANUAL_H

struct manual {
    const char *topic; /* a command of kwota, or a page: "kwota.json" */
    const char *text;
};

/* Ends with a topic NULL. */
extern const struct manual manual_texts[];

/* NULL: there is no such topic. */
const char *manual_find(const char *topic);

#endif
