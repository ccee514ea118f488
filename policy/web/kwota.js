"use strict";
// kwota.js - draws the dashboard from what kwotad answers
//
// Whatever came from a person (names of users, accounts, jobs) is put into the page as
// text, never as markup. Amounts are millijoules and milliwatts.

const SECOND = 1000, MINUTE = 60 * SECOND, QUARTER_S = 900;
const RUNNING_MOST = 100, BUDGETS_MOST = 200, FOLDED = 15, BINS = 120;
const KINDS = [["cpu", "CPU", "one"], ["gpu", "GPU", "two"], ["dram", "memory", "three"], ["other", "other", "four"]];

let me = {};
let over = false;

// ---- making elements ----

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  for (const child of children.flat())
    if (child !== null && child !== undefined) node.append(child);
  return node;
}

const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
const byId = (id) => document.getElementById(id);

// ---- amounts as people read them ----

// Three figures, however large or small.
function figures(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const places = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return value.toFixed(places);
}

function energy(mj) {
  if (mj === null || mj === undefined) return "unknown";
  const kwh = mj / 3.6e9, size = Math.abs(kwh);
  if (size >= 1e7) return figures(kwh / 1e6) + " GWh";
  if (size >= 1e4) return figures(kwh / 1e3) + " MWh";
  return figures(kwh) + " kWh";
}

function watts(mw) {
  if (mw === null || mw === undefined) return "unknown";
  const size = Math.abs(mw);
  if (size >= 1e12) return figures(mw / 1e12) + " GW";
  if (size >= 1e9) return figures(mw / 1e9) + " MW";
  if (size >= 1e6) return figures(mw / 1e6) + " kW";
  return figures(mw / 1e3) + " W";
}

const two = (n) => String(n).padStart(2, "0");
const clock = (s) => { const d = new Date(s * 1000); return two(d.getHours()) + ":" + two(d.getMinutes()); };
const day = (s) => { const d = new Date(s * 1000); return d.getFullYear() + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate()); };
const moment = (s) => day(s) + " " + clock(s);
const today = (s, now) => (day(s) === day(now) ? clock(s) : moment(s));

function span(seconds) {
  if (seconds < 90) return Math.round(seconds) + " s";
  if (seconds < 90 * 60) return Math.round(seconds / 60) + " min";
  if (seconds < 36 * 3600) return figures(seconds / 3600) + " h";
  return Math.round(seconds / 86400) + " days";
}

// ---- asking kwotad ----

async function ask(path) {
  const reply = await fetch(path, { credentials: "same-origin" });
  const body = await reply.json().catch(() => ({}));
  if (reply.status === 403 && path.startsWith("v1/ping")) over = true;
  if (!reply.ok) throw new Error(body.error || "kwotad answers " + reply.status);
  return body;
}

function say(text) {
  byId("message").textContent = text;
  byId("message").hidden = !text;
}

// ---- charts ----

// The least round number that is no less, half of which is round too.
function roundUp(value) {
  for (let unit = 1; ; unit *= 10)
    for (const step of [10, 12, 15, 20, 30, 40, 50, 60, 80])
      if (step * unit >= value) return step * unit;
}

// Lines over a colour, so that it is told apart without it.
function hatch(id, kind, gap) {
  return svg("pattern", { id, width: gap, height: gap, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: gap, height: gap, class: kind }),
    svg("line", { x1: 0, y1: 0, x2: 0, y2: gap, class: "stroke" }));
}

const HATCHED = { two: 6, three: 4, four: 3 };
const paint = (kind) => (HATCHED[kind] ? { fill: "url(#hatch-" + kind + ")" } : { class: kind });

function patterns() {
  byId("fresh").append(svg("svg", { width: 0, height: 0, "aria-hidden": "true" },
    svg("defs", {}, Object.keys(HATCHED).map((kind) => hatch("hatch-" + kind, kind, HATCHED[kind])))));
}

function legend(id, entries) {
  byId(id).replaceChildren(...entries.map(([kind, words]) => el("li", {},
    svg("svg", { viewBox: "0 0 24 12", "aria-hidden": "true" }, svg("rect", { width: 24, height: 12, ...paint(kind) })), words)));
}

// Where the axis of time has marks, and what stands there.
function times(from, until, width) {
  const room = Math.max(2, Math.floor(width / 110)), all = until - from;
  const steps = [1, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400, 30 * 86400];
  const step = steps.find((s) => all / s <= room) || 365 * 86400;
  const shift = new Date(from * 1000).getTimezoneOffset() * 60, marks = [];
  for (let s = Math.ceil((from - shift) / step) * step + shift; s <= until; s += step)
    marks.push([s, step >= 86400 ? day(s) : step < 60 ? clock(s) + ":" + two(new Date(s * 1000).getSeconds()) : clock(s)]);
  return marks;
}

// bins: [{from, until, words, parts: [[kind, mw], …]}], from and until in seconds; a bin
// without parts is unknown. Stacked from the bottom.
function drawChart(id, bins, from, until, height, label) {
  const box = byId(id), width = Math.max(280, box.clientWidth), left = 62, right = 12, top = 12, bottom = 24;
  const most = roundUp(Math.max(1000, ...bins.map((b) => b.parts.reduce((sum, p) => sum + p[1], 0))));
  const x = (s) => left + ((s - from) / (until - from)) * (width - left - right);
  const y = (mw) => height - bottom - (mw / most) * (height - top - bottom);
  const chart = svg("svg", { viewBox: "0 0 " + width + " " + height, height, role: "img", "aria-label": label });
  for (const mw of [0, most / 2, most]) {
    chart.append(svg("line", { x1: left, x2: width - right, y1: y(mw), y2: y(mw), class: mw ? "grid" : "axis" }),
      svg("text", { x: left - 8, y: y(mw) + 4, "text-anchor": "end" }, watts(mw).replace(/\.(\d*?)0+ /, (all, kept) => (kept ? "." + kept : "") + " ")));
  }
  for (const bin of bins) {
    const wide = Math.max(0.5, x(bin.until) - x(bin.from) - (bins.length > width / 4 ? 0 : 1));
    let sum = 0;
    chart.append(svg("g", {}, svg("title", {}, bin.words), bin.parts.map(([kind, mw]) => {
      sum += mw;
      return svg("rect", { x: x(bin.from), y: y(sum), width: wide, height: Math.max(0, y(sum - mw) - y(sum)), ...paint(kind) });
    })));
  }
  for (const [s, words] of times(from, until, width - left - right)) {
    const at = x(s), anchor = at > width - 40 ? "end" : at < left + 20 ? "start" : "middle";
    chart.append(svg("line", { x1: at, x2: at, y1: y(0), y2: y(0) + 4, class: "axis" }),
      svg("text", { x: anchor === "end" ? width - 2 : at, y: height - 6, "text-anchor": anchor }, words));
  }
  box.replaceChildren(chart);
}

function pairs(id, list) {
  byId(id).replaceChildren(...list.filter((p) => p).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// ---- power ----

let power = null, running = null;

// The present quarter-hour is as long as it has lasted.
function quarterBin(q) {
  const from = q.quarter_s, until = Math.max(from + 1, Math.min(from + QUARTER_S, power.now));
  const mean = (mj) => Math.max(0, (mj || 0) / (until - from)), when = clock(from) + " to " + clock(until);
  if (q.total_mj === null)
    return { from, until, words: when + ": " + watts(mean(q.jobs_mj)), parts: [["one", mean(q.jobs_mj)]] };
  return { from, until,
    words: when + ": " + watts(mean(q.total_mj)) + ", of that jobs " + watts(mean(q.jobs_mj)) + ", nodes' own " + watts(mean(q.node_mj)),
    parts: [["one", mean(q.jobs_mj)], ["two", mean(q.node_mj)]] };
}

function drawPower() {
  if (!power || !running) return;
  const whole = power.of === "cluster", bins = power.quarters.map(quarterBin);
  const whose = whole ? "Jobs" : me.coordinates ? "Your and your accounts' jobs" : "Your jobs";
  const sum = (key) => power.quarters.reduce((all, q) => all + (q[key] || 0), 0);
  const last = power.quarters[power.quarters.length - 1];
  pairs("power-figures", [
    [whose + " draw now", running.count ? watts(running.mw) : "0 W"],
    whole && last ? ["Cluster, quarter-hour from " + clock(last.quarter_s), watts(last.total_mj / QUARTER_S)] : null,
    [(whole ? "Cluster" : whose) + ", last 24 hours", energy(whole ? sum("total_mj") : sum("jobs_mj"))],
  ]);
  if (!bins.length) {
    byId("power-chart").replaceChildren(el("p", { class: "note" }, whole
      ? "No quarter-hour of the last day is booked yet." : "None of these jobs used energy in the last day."));
    byId("power-legend").replaceChildren();
    return;
  }
  drawChart("power-chart", bins, power.from, power.until, 230, "Mean power of each quarter-hour of the last day");
  legend("power-legend", whole ? [["one", "jobs"], ["two", "nodes' own part"]] : [["one", whose.toLowerCase()]]);
}

async function loadPower() {
  const until = (Math.floor(Date.now() / 1000 / QUARTER_S) + 1) * QUARTER_S, from = until - 86400;
  power = Object.assign(await ask("v1/power?start=" + from + "&end=" + until), { from, until, now: Date.now() / 1000 });
  drawPower();
}

// ---- budgets ----

function bar(used, reserved, quota) {
  const part = (mj) => (quota > 0 ? Math.min(100, Math.max(0, (mj / quota) * 100)) : mj > 0 ? 100 : 0);
  const u = part(used), r = part(used + reserved) - u;
  return svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img",
    "aria-label": Math.round(u) + " % used, " + Math.round(r) + " % reserved" },
    svg("rect", { x: 0, y: 0, width: u, height: 10, class: used > quota ? "over" : "one" }),
    svg("rect", { x: u, y: 0, width: r, height: 10, fill: "url(#hatch-three)" }),
    svg("rect", { x: 0, y: 0, width: 100, height: 10, class: "bare", "vector-effect": "non-scaling-stroke" }));
}

function untilWords(b) {
  if (b.period.includes("days")) return b.period + " back";
  if (b.now_s >= b.window.until_s) return "over since " + day(b.window.until_s);
  if (b.now_s < b.window.from_s) return "begins " + day(b.window.from_s);
  return day(b.window.until_s);
}

function rateWords(b) {
  if (b.rate_mw === null) return "unknown";
  if (b.empty_s === null) return "lasts";
  if (b.empty_s <= b.now_s) return el("span", { class: "alarm" }, "used up");
  return el("span", { class: "alarm" }, "empty " + (b.empty_s < b.now_s + 2 * 86400 ? moment(b.empty_s) : day(b.empty_s)));
}

function table(columns, rows) {
  return el("table", {}, el("thead", {}, el("tr", {}, columns.map(([name, kind]) => el("th", { class: kind, scope: "col" }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, i) =>
      el("td", { class: columns[i][1], "data-label": columns[i][0] }, cell))))));
}

// A long table shows its first rows until the rest is asked for.
const unfolded = {};

function putTable(id, columns, rows) {
  const long = rows.length > FOLDED + 3 && !unfolded[id];
  const more = long && el("button", { type: "button" }, "Show all " + rows.length);
  byId(id).replaceChildren(...(rows.length ? [table(columns, long ? rows.slice(0, FOLDED) : rows)] : []), ...(more ? [more] : []));
  if (more) more.addEventListener("click", () => { unfolded[id] = true; putTable(id, columns, rows); });
}

const share = (b) => (b.quota_mj > 0 ? b.used_mj / b.quota_mj : b.used_mj > 0 ? Infinity : 0);
const percent = (b) => (share(b) > 9.99 ? "> 999 %" : Math.floor(100 * share(b)) + " %");

async function loadBudgets() {
  const all = me.sees_all || me.coordinates;
  const reply = await ask("v1/budgets?most=" + BUDGETS_MOST + (all ? "&all=1" : ""));
  const list = reply.budgets.sort((a, b) => share(b) - share(a));
  byId("budgets-note").textContent = !list.length ? "No budget limits you."
    : list.length < reply.count ? "The " + list.length + " most used of " + reply.count + " budgets; kwota quota show lists any other." : "";
  putTable("budgets",
    [["Budget", "name"], ["", "bar"], ["Used", "number"], ["", "number"], ["Reserved", "number"], ["Left", "number"], ["Quota", "number"], ["Until", "date"], ["At this rate", "date line"]],
    list.map((b) => [b.name, bar(b.used_mj, b.reserved_mj, b.quota_mj), energy(b.used_mj), percent(b), energy(b.reserved_mj),
      b.available_mj < 0 ? el("span", { class: "alarm" }, energy(b.available_mj)) : energy(b.available_mj),
      energy(b.quota_mj), untilWords(b), rateWords(b)]));
  byId("budgets-legend").replaceChildren();
  if (list.length) legend("budgets-legend", [["one", "used"], ["three", "reserved for running jobs"]]);
}

// ---- running jobs ----

async function loadRunning() {
  running = await ask("v1/running?most=" + RUNNING_MOST);
  const now = running.time_ms / 1000;
  byId("simulated").hidden = !running.simulated && !(power && power.simulated);
  byId("running-note").textContent = !running.count ? "None is running."
    : running.runs.length < running.count ? "The " + running.runs.length + " that draw most, of " + running.count + " that run." : "";
  putTable("running",
    [["Job", "name"], ["Name", "line"], ["User", ""], ["Account", ""], ["Partition", ""], ["Nodes", "number"], ["Power", "number"], ["Used", "number"], ["Set aside", "number"], ["Ends by", "date"]],
    running.runs.map((r) => [el("a", { href: "#job=" + encodeURIComponent(r.job_id) }, r.job_id), r.name, r.user, r.account, r.partition,
      r.nodes_known < r.node_count ? r.nodes_known + " of " + r.node_count : String(r.node_count),
      watts(r.mw) + (r.cap ? " (capped)" : ""), energy(r.used_mj), r.lien_mj === null ? "nothing" : energy(r.lien_mj),
      r.until ? today(r.until, now) : "not known"]));
  drawPower();
}

// ---- one job ----

function jobFacts(run) {
  const end = run.end || Date.now() / 1000, kinds = KINDS.filter(([k]) => run.energy[k + "_mj"] !== null);
  return [
    ["Name", run.name], ["User", run.user], ["Account", run.account], ["Partition", run.partition],
    ["State", run.state + " (" + run.slurm_state + ")"], ["Nodes", String(run.node_count)],
    ["Start", moment(run.start)], ["End", run.end ? moment(run.end) : "still running"], ["Time", span(end - run.start)],
    ["Energy", energy(run.energy.total_mj)],
    run.energy.total_mj !== null && end > run.start ? ["Mean power", watts(run.energy.total_mj / (end - run.start))] : null,
    ["Of that", kinds.map(([k, words]) => words + " " + energy(run.energy[k + "_mj"])).join(", ") || "nothing is known"],
    ["Charge", run.charge_mj === null ? "not settled yet" : energy(run.charge_mj)],
    ["Quality", run.quality + (run.reasons.length ? ": " + run.reasons.join("; ") : "")],
  ];
}

let shown = null;

function drawJob() {
  if (!shown) return;
  const run = shown;
  const plot = run.plot, wide = (plot.end_ms - plot.start_ms) / plot.bins.length;
  const bins = plot.bins.map((bin, i) => {
    const from = (plot.start_ms + i * wide) / 1000, mean = (mj) => Math.max(0, mj / (wide / 1000));
    const parts = KINDS.filter(([k]) => bin[k + "_mj"] !== null).map(([k, , kind]) => [kind, mean(bin[k + "_mj"])]);
    return { from, until: from + wide / 1000, parts,
      words: clock(from) + ": " + (parts.length ? watts(parts.reduce((sum, p) => sum + p[1], 0)) : "unknown") };
  });
  if (!bins.some((b) => b.parts.length)) {
    byId("job-chart").replaceChildren(el("p", { class: "note" }, "No report of its power has come yet."));
    byId("job-legend").replaceChildren();
    return;
  }
  drawChart("job-chart", bins, plot.start_ms / 1000, plot.end_ms / 1000, 200, "Mean power of the job over time");
  legend("job-legend", KINDS.filter(([k]) => plot.bins.some((b) => b[k + "_mj"] !== null)).map(([, words, kind]) => [kind, words]));
}

const wanted = () => (location.hash.startsWith("#job=") ? decodeURIComponent(location.hash.slice(5)) : "");

async function loadJob() {
  const id = wanted();
  byId("job").hidden = !id;
  shown = null;
  if (!id) return;
  byId("job-title").textContent = "Job " + id;
  try {
    const reply = await ask("v1/job?plot=" + BINS + "&id=" + encodeURIComponent(id));
    const run = reply.runs[reply.runs.length - 1];
    byId("job-title").textContent = "Job " + id + (reply.runs.length > 1 ? ", run " + reply.runs.length + " of " + reply.runs.length : "") + (run.simulated ? " [simulated]" : "");
    pairs("job-facts", jobFacts(run));
    shown = run;
    drawJob();
  } catch (error) {
    pairs("job-facts", []);
    byId("job-legend").replaceChildren();
    byId("job-chart").replaceChildren(el("p", { class: "note" }, error.message));
  }
}

// ---- again and again ----

const loads = [[loadRunning, 10 * SECOND], [loadJob, 10 * SECOND], [loadPower, MINUTE], [loadBudgets, MINUTE]].map(([load, every]) => ({ load, every, due: 0 }));

async function refresh() {
  if (over || document.hidden) return;
  const now = Date.now(), due = loads.filter((l) => l.due <= now);
  try {
    if (due.some((l) => l.every === MINUTE)) {
      me = await ask("v1/ping");
      byId("cluster").textContent = me.cluster;
      byId("who").textContent = me.user + (me.sees_all ? ", who sees everything" : me.coordinates ? ", and the accounts you coordinate" : "");
      document.title = "kwota " + me.cluster;
    }
    for (const l of due) l.due = now + l.every;
    await Promise.all(due.map((l) => l.load()));
    byId("fresh").firstChild.nodeValue = "as of " + clock(Date.now() / 1000);
    say("");
  } catch (error) {
    for (const l of due) l.due = now + 10 * SECOND;
    say(over ? "Your session is over: kwota web prints a new link." : error instanceof TypeError ? "kwotad cannot be reached; trying again." : error.message);
  }
}

byId("fresh").append("");
patterns();
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = "#job=" + encodeURIComponent(byId("find-job").value.trim());
});
addEventListener("hashchange", () => loadJob());
addEventListener("resize", () => { drawPower(); drawJob(); });
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, SECOND);
refresh();
