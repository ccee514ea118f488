/* doctor_probe.h - the facts about this host that kwota doctor judges
 *
 * Every look is short and has a time-out; what cannot be looked at is said in the
 * facts. Wants roles, conf and stack.
 */
#ifndef KWOTA_DOCTOR_PROBE_H
#define KWOTA_DOCTOR_PROBE_H

#include "tools/doctor.h"

/* Plugins, MUNGE, kwota.json, files, slurmdbd. Before the others. */
void doctor_probe_host(struct doctor_facts *facts);

/* kwotad: its ports, its answer. */
void doctor_probe_kwotad(struct doctor_facts *facts);

/* The node's meter, counters and cgroups. */
void doctor_probe_node(struct doctor_facts *facts);

#endif
