// Plots as SVG, drawn for the width that there is: points with error bars, curves with bands.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 20, TOP = 8, BOTTOM = 42;

export function node(tag, attributes = {}, text) {
  const made = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Round steps of 1, 2 or 5, about as many as asked for.
export function ticks(low, high, about) {
  const raw = (high - low) / Math.max(about, 1);
  if (!(raw > 0) || !Number.isFinite(raw)) return { at: [], text: () => "" };
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * size).find((s) => s >= raw * 0.999);
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const at = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) at.push(i * step);
  return { at, text: (v) => number(v, decimals) };
}

export function number(value, decimals) {
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

function reach(values, share) {
  const finite = values.filter((v) => Number.isFinite(v));
  if (!finite.length) return [0, 1];
  const low = Math.min(...finite), high = Math.max(...finite);
  const room = high > low ? (high - low) * share : Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

// One panel: scales, axes, and what is drawn within them.
class Panel {
  constructor(svg, width, top, height, xRange, yRange, titles) {
    this.svg = svg; this.x0 = LEFT; this.x1 = width - RIGHT; this.y0 = top; this.y1 = top + height;
    this.xRange = xRange; this.yRange = yRange;
    this.axes(titles);
  }
  x(v) { return this.x0 + (v - this.xRange[0]) / (this.xRange[1] - this.xRange[0]) * (this.x1 - this.x0); }
  y(v) { return this.y1 - (v - this.yRange[0]) / (this.yRange[1] - this.yRange[0]) * (this.y1 - this.y0); }
  add(tag, attributes, text) { return this.svg.appendChild(node(tag, attributes, text)); }
  axes({ xTitle, yTitle, xTexts = true, yAbout }) {
    const across = ticks(...this.xRange, Math.max(2, Math.floor((this.x1 - this.x0) / 85)));
    const up = ticks(...this.yRange, yAbout ?? Math.max(2, Math.floor((this.y1 - this.y0) / 45)));
    for (const v of up.at) {
      this.add("line", { class: "grid", x1: this.x0, x2: this.x1, y1: this.y(v), y2: this.y(v) });
      this.add("text", { x: this.x0 - 6, y: this.y(v) + 4, "text-anchor": "end" }, up.text(v));
    }
    for (const v of across.at) {
      this.add("line", { class: "axis", x1: this.x(v), x2: this.x(v), y1: this.y1, y2: this.y1 + 4 });
      if (xTexts) this.add("text", { x: this.x(v), y: this.y1 + 17, "text-anchor": "middle" }, across.text(v));
    }
    this.add("path", { class: "axis", d: `M${this.x0} ${this.y0}V${this.y1}H${this.x1}` });
    const middle = (this.y0 + this.y1) / 2;
    this.add("text", { x: 0, y: 0, "text-anchor": "middle", class: "title",
      transform: `translate(12 ${middle}) rotate(-90)` }, yTitle);
    if (xTexts && xTitle) {
      this.add("text", { x: (this.x0 + this.x1) / 2, y: this.y1 + 36, "text-anchor": "middle", class: "title" }, xTitle);
    }
  }
  line(x, y, kind) {
    this.add("path", { class: kind, d: x.map((v, i) => `${i ? "L" : "M"}${fix(this.x(v))} ${fix(this.y(y[i]))}`).join("") });
  }
  band(x, low, high, kind) {
    const there = x.map((v, i) => `${fix(this.x(v))} ${fix(this.y(high[i]))}`);
    const back = x.map((v, i) => `${fix(this.x(v))} ${fix(this.y(low[i]))}`).reverse();
    this.add("path", { class: kind, d: `M${[...there, ...back].join("L")}Z` });
  }
  across(value, error, bandKind, lineKind) {
    const top = this.y(value + error), bottom = this.y(value - error);
    this.add("rect", { class: bandKind, x: this.x0, width: this.x1 - this.x0, y: top, height: Math.max(bottom - top, 1) });
    if (lineKind) this.add("line", { class: lineKind, x1: this.x0, x2: this.x1, y1: this.y(value), y2: this.y(value) });
  }
  point(x, y, error, kind, size = 3.2) {
    const px = fix(this.x(x));
    this.add("line", { class: kind, "stroke-width": 1.2, x1: px, x2: px, y1: fix(this.y(y - error)), y2: fix(this.y(y + error)) });
    this.add("circle", { class: kind, "stroke-width": 1.4, cx: px, cy: fix(this.y(y)), r: size });
  }
}

const fix = (v) => Math.round(v * 10) / 10;

function canvas(width, height, label) {
  return node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
}

// A part of the sweep: points, fit with band, reference without light, residuals below.
export function sweepPlot(part, width) {
  const curve = part.curve;
  const main = Math.round(Math.min(Math.max(width * 0.55, 190), 400));
  const low = curve ? 84 : 0, gap = curve ? 16 : 0;
  const height = TOP + main + gap + low + BOTTOM;
  const svg = canvas(width, height, `${part.name}: ${part.points.length} points against ${part.x_title}`);
  const xs = part.points.map((p) => p.x).concat(curve ? curve.x : []);
  const ys = part.points.flatMap((p) => [p.y - p.error, p.y + p.error])
    .concat(curve ? curve.y.flatMap((y, i) => [y - curve.band[i], y + curve.band[i]]) : [])
    .concat(part.reference ? [part.reference.value - part.reference.error, part.reference.value + part.reference.error] : [])
    .concat(part.lines.flatMap((l) => [l.value - l.error, l.value + l.error]));
  const xRange = reach(xs, curve ? 0.01 : 0.04);
  const panel = new Panel(svg, width, TOP, main, xRange, reach(ys, 0.06),
    { xTitle: part.x_title, yTitle: part.y_title, xTexts: !curve });
  if (part.reference) panel.across(part.reference.value, part.reference.error, "reference");
  for (const line of part.lines) panel.across(line.value, line.error, line.pumped ? "band" : "reference", line.pumped ? "fit" : "mean");
  if (curve) {
    panel.band(curve.x, curve.y.map((y, i) => y - curve.band[i]), curve.y.map((y, i) => y + curve.band[i]), "band");
    panel.line(curve.x, curve.y, "fit");
  }
  const picks = [];
  for (const p of part.points) {
    const kind = p.pumped ? `on level-${p.level}` : "blocked";
    panel.point(p.x, p.y, p.error, p.provisional ? `${kind} provisional` : kind);
    picks.push({ px: panel.x(p.x), py: panel.y(p.y), point: p });
  }
  if (curve) {
    const pulls = part.points.filter((p) => p.residual !== null);
    const most = Math.max(3.4, ...pulls.map((p) => Math.abs(p.residual) + 1.2));
    const below = new Panel(svg, width, TOP + main + gap, low, xRange, [-most, most],
      { xTitle: part.x_title, yTitle: "residual (σ)", yAbout: 4 });
    below.across(0, 1, "reference", "fit");
    for (const p of pulls) below.point(p.x, p.residual, 1, p.provisional ? "on provisional" : "on", 2.4);
  }
  return { svg, picks };
}

// Something against time with error bars.
export function timePlot(x, y, error, xTitle, yTitle, width) {
  const main = Math.round(Math.min(Math.max(width * 0.3, 120), 220));
  const svg = canvas(width, TOP + main + BOTTOM, `${yTitle} against ${xTitle}`);
  const ends = y.flatMap((v, i) => [v - error[i], v + error[i]]);
  const panel = new Panel(svg, width, TOP, main, reach(x, 0.02), reach(ends, 0.08), { xTitle, yTitle });
  panel.line(x, y, "fit");
  x.forEach((v, i) => panel.point(v, y[i], error[i], "on", 2.2));
  return svg;
}

// A sample for the key below a plot.
export function sample(kind) {
  const svg = node("svg", { viewBox: "0 0 24 12", "aria-hidden": "true" });
  if (kind === "fit") {
    svg.append(node("rect", { class: "band", x: 0, y: 1, width: 24, height: 10 }), node("line", { class: "fit", x1: 0, x2: 24, y1: 6, y2: 6 }));
  } else if (kind === "reference") {
    svg.append(node("rect", { class: "reference", x: 0, y: 1, width: 24, height: 10 }));
  } else {
    svg.append(node("line", { class: kind, x1: 12, x2: 12, y1: 0, y2: 12 }), node("circle", { class: kind, cx: 12, cy: 6, r: 3.2 }));
  }
  return svg;
}
