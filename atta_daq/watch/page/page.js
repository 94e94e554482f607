// The page: hears what has changed and shows it. Texts are set as text, never as HTML.

import { sample, sweepPlot, timePlot, node, number } from "./plot.js";

const byId = (id) => document.getElementById(id);
const SILENT_MS = Number(document.body.dataset.silentMs);
const shown = {};
let heardMs = 0, link = { state: "searching", reason: "connecting", rig: "" };

function el(tag, kind, ...content) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  for (const part of content) if (part !== null && part !== undefined) made.append(part);
  return made;
}

const clock = (s) => {
  const then = new Date(s * 1000);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (Math.abs(Date.now() - then) < 18 * 3600e3) return time;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
};

function span(s) {
  if (s < 90) return `${Math.round(s)} s`;
  const minutes = Math.round(s / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function rows(list) {
  return el("ul", "rows", ...list.map((row) => el("li", row.tone, el("span", "", row.label), el("b", "", row.text), row.note ? el("em", "", row.note) : null)));
}

function fill(id, ...content) {
  const section = byId(id);
  section.hidden = content.length === 0;
  section.querySelector(".body").replaceChildren(...content);
}

// --- parts ------------------------------------------------------------------------------------

function run(data) {
  const parts = [];
  if (data.run) {
    parts.push(el("p", "name", data.name), el("p", "id", data.run));
    if (data.suspended) parts.push(el("p", "waits danger", `The run waits: ${data.suspended}`));
    if (data.segments) {
      const share = Math.min(1, data.segment / data.segments);
      const bar = el("div", "bar", el("i"));
      bar.firstChild.style.width = `${100 * share}%`;
      const left = data.state === "idle" ? "" : data.ends_utc_s ? `ends about ${clock(data.ends_utc_s)}` : "";
      parts.push(bar, el("p", "spread",
        el("span", "", `${data.segment} of ${data.segments} segments`), el("span", "", left)));
    }
    if (data.outcome && data.state === "idle") parts.push(el("p", "outcome", data.outcome));
    const facts = el("dl", "facts");
    for (const [key, text] of data.facts) facts.append(el("dt", "", key), el("dd", "", text));
    if (facts.children.length) parts.push(facts);
    for (const note of data.notes) parts.push(el("p", "small soft", `note: ${note}`));
  } else {
    parts.push(el("p", "soft", data.activity ? `No run; ${data.activity}` : "No run yet."));
  }
  fill("run", ...parts);
  header();
}

function alarms(data) {
  const list = data.alarms.map((a) => el("div", `alarm ${a.tone}`,
    el("p", "what", a.text), el("p", "when", `${a.source} · ${a.state} · since ${clock(a.since_utc_s)}`)));
  fill("alarms", ...(list.length ? list : [el("p", "ok", "none")]));
  fill("log", ...data.log.map((line) => el("div", `logline ${line.tone === "ok" ? "" : line.tone}`,
    el("time", "", clock(line.utc_s)), el("span", "", `${line.source}: ${line.text}`))));
  header();
}

function sweep(data) {
  fill("sweep", ...data.parts.flatMap((part) => {
    const holder = el("div", "plot"), readout = el("p", "readout soft");
    holder.part = part;
    holder.draw = (width) => {
      const { svg, picks } = sweepPlot(part, width);
      holder.replaceChildren(svg);
      const ring = svg.appendChild(node("circle", { class: "picked", r: 6, visibility: "hidden" }));
      svg.onpointermove = svg.onpointerdown = (event) => {
        const box = svg.getBoundingClientRect();
        const near = nearest(picks, event.clientX - box.left, event.clientY - box.top);
        ring.setAttribute("visibility", near ? "visible" : "hidden");
        readout.textContent = near ? said(near.point, part) : "";
        if (near) { ring.setAttribute("cx", near.px); ring.setAttribute("cy", near.py); }
      };
    };
    const fit = el("ul", "rows", ...part.fit.map((p) => el("li", "", el("span", "", p.label), el("b", "", p.text), p.meaning ? el("em", "soft", p.meaning) : null)));
    return [el("h3", "", part.name), ...(part.points.length ? [holder, key(part), readout] : [el("p", "soft", "no point yet")]),
      fit, el("p", part.valid ? "small soft" : "small danger", part.about)];
  }));
  draw();
}

function key(part) {
  const entry = (kind, text) => el("span", "", sample(kind), text);
  const entries = part.levels.length
    ? part.levels.map((name, i) => entry(`on level-${i}`, name))
    : [entry("on level-0", "819-nm light on")];
  if (part.points.some((p) => !p.pumped)) entries.push(entry("blocked", "light blocked"));
  if (part.reference) entries.push(entry("reference", "mean without light, ±1σ"));
  if (part.curve || part.lines.length) entries.push(entry("fit", "fit and 1σ band"));
  if (part.points.some((p) => p.provisional)) entries.push(entry("on level-0 provisional", "provisional"));
  return el("p", "key", ...entries);
}

function nearest(picks, x, y) {
  let best = null, least = 28 ** 2;
  for (const pick of picks) {
    const away = (pick.px - x) ** 2 + (pick.py - y) ** 2;
    if (away < least) [best, least] = [pick, away];
  }
  return best;
}

function said(p, part) {
  const decimals = p.error > 0 ? Math.max(0, 1 - Math.floor(Math.log10(p.error))) : 0;
  const pull = p.residual === null ? "" : `, ${number(p.residual, 1)} σ from the fit`;
  return `at ${number(p.x, 1)}: ${number(p.y, decimals)} ± ${number(p.error, decimals)}${p.provisional ? ", provisional" : ""}${pull}`;
}

function rates(data) {
  const parts = data.rows.length ? [rows(data.rows)] : [];
  const { hours, rate, error } = data.loading;
  if (hours.length > 1) {
    const holder = el("div", "plot");
    holder.draw = (width) => holder.replaceChildren(
      timePlot(hours, rate, error, "rig time since the first bracket (h)", "83Kr loading (V/s)", width));
    parts.push(el("h3", "", "83Kr loading through the run"), holder);
  }
  if (data.flagged.length) {
    parts.push(el("h3", "", "Flagged segments"), rows(data.flagged.map((f) => ({ label: f.cause, text: f.segments, tone: "warning" }))));
  }
  fill("rates", ...parts);
  draw();
}

function queue(data) {
  if (!data) { fill("queue"); return; }
  const when = (e) => e.start_s ? `starts about ${clock(e.start_s)}` : e.end_s ? `ends about ${clock(e.end_s)}` : "";
  const entries = data.entries.map((e) => ({ label: e.name, text: e.state, tone: e.tone, note: [e.note, when(e)].filter(Boolean).join(" · ") }));
  const more = data.more ? [el("p", "small soft", `and ${data.more} more`)] : [];
  fill("queue", el("p", data.tone, data.word), rows(entries), ...more);
}

function picture(data) {
  if (!data.png) { fill("picture"); return; }
  const img = el("img");
  img.src = data.png;
  img.alt = "Last picture of the region of interest";
  const taken = data.live ? `now, ${data.isotope || "blank"}` : `last picture, ${clock(data.posted_utc_s)}`;
  const saturated = data.saturated ? `, ${number(100 * data.saturated, 2)} % of the pixels saturated` : "";
  fill("picture", img, el("p", "small soft", `${taken} · ${data.columns} × ${data.rows} pixels, black ${data.low_adu} to white ${data.high_adu} ADU${saturated}`));
}

function rig(data) {
  fill("instruments", ...data.groups.flatMap((g) => [el("h3", "", g.name), rows(g.rows)]));
}

const PARTS = { run, alarms, sweep, rates, queue, picture, rig };

function show(name, data) {
  shown[name] = data;
  if (data && data.problem) fill(name === "rig" ? "instruments" : name, el("p", "danger", data.problem));
  else PARTS[name](data);
}

// --- head, drawing, connection ----------------------------------------------------------------

function header() {
  const state = byId("state"), data = shown.run, active = shown.alarms ? shown.alarms.active : 0;
  const quiet = performance.now() - heardMs > SILENT_MS;
  const away = quiet || link.state !== "connected";
  document.body.classList.toggle("silent", away);
  const banner = byId("banner");
  banner.hidden = !away || heardMs === 0;
  banner.textContent = !away ? "" : quiet ? "No connection to this page's server; still trying. What is shown is old." : link.reason;
  byId("rig").textContent = link.rig || "atta-daq";
  const word = away ? (quiet ? "no connection" : { lost: "station lost", searching: "no station", refused: "other version" }[link.state]) : data ? data.word : "connected";
  const tone = away ? "stale" : data ? data.tone : "ok";
  if (state.textContent !== word) state.textContent = word;
  state.className = `pill ${tone}`;
  const trouble = away || active || (data && data.suspended) ? "⚠ " : "";
  const share = data && data.segments && data.state !== "idle" ? ` ${Math.round(100 * data.segment / data.segments)} %` : "";
  document.title = `${trouble}${word}${share} · ${link.rig || "atta-daq"}`;
  byId("age").className = active ? "danger" : "soft";
  byId("age").textContent = !away && active ? `${active} alarm${active > 1 ? "s" : ""}` : "";
}

function draw() {
  for (const holder of document.querySelectorAll(".plot")) {
    const width = Math.floor(holder.clientWidth);
    if (holder.draw && width > 120) holder.draw(width);
  }
}

let source = null, waiting = 0;

function listen() {
  clearTimeout(waiting);
  if (source) source.close();
  source = new EventSource("/events");
  const hear = (name, act) => source.addEventListener(name, (event) => { heardMs = performance.now(); act(JSON.parse(event.data)); });
  hear("beat", () => header());
  hear("link", (data) => { link = data; header(); });
  for (const name of Object.keys(PARTS)) hear(name, (data) => show(name, data));
  // A refused stream (too many viewers, a new token) is not tried again by the browser.
  source.onerror = () => { header(); if (source.readyState === EventSource.CLOSED) waiting = setTimeout(listen, 5000); };
}

let wide = 0;
new ResizeObserver(() => { if (wide !== document.body.clientWidth) { wide = document.body.clientWidth; draw(); } }).observe(document.body);
document.addEventListener("visibilitychange", () => { if (!document.hidden && performance.now() - heardMs > SILENT_MS) listen(); });
setInterval(header, 1000);
listen();
