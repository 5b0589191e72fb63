// Draws each dashboard's panels from what a real Prometheus answered: node preview.mjs MODULES DASHBOARDS RESULTS OUT
// A picture of the answers, made to be looked at; Grafana itself is another program.
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, dashboards, results, out] = process.argv.slice(2);
// The development build asserts on axes of tiny numbers.
const echarts = createRequire(join(modules, 'package.json'))('echarts/dist/echarts.min.js');
const answers = JSON.parse(readFileSync(results, 'utf8'));
mkdirSync(out, { recursive: true });

const WIDTH = 1600, COLUMN = WIDTH / 24, ROW = 38, GAP = 8;
const PALETTE = ['#73BF69', '#F2CC0C', '#8AB8FF', '#FF780A', '#F2495C', '#5794F2', '#B877D9', '#705DA0', '#37872D', '#FADE2A', '#447EBC', '#C15C17'];
const COLOURS = { text: '#ccccdc', green: '#3d9a50', orange: '#e08a1e', red: '#d63f52', purple: '#8e5bc0', blue: '#4a86d8' };

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
// A second of ours was a minute of the story.
const story = (t) => (answers.end - (answers.end - t) * answers.speed) * 1000;

const short = (v) => (Math.abs(v) >= 1e6 ? `${+(v / 1e6).toFixed(1)} Mil` : Math.abs(v) >= 1e3 ? `${+(v / 1e3).toFixed(1)} K` : `${+v.toFixed(Math.abs(v) < 10 ? 2 : 1)}`);
const span = (s) => {
  const [value, unit] = Math.abs(s) >= 86400 * 7 ? [s / 604800, 'weeks'] : Math.abs(s) >= 86400 ? [s / 86400, 'days'] : Math.abs(s) >= 3600 ? [s / 3600, 'hours'] : Math.abs(s) >= 60 ? [s / 60, 'mins'] : Math.abs(s) >= 1 || s === 0 ? [s, 's'] : [s * 1000, 'ms'];
  return `${+value.toFixed(1)} ${unit}`;
};
function shown(value, unit) {
  if (!Number.isFinite(value)) return '';
  switch (unit) {
    case 's': return span(value);
    case 'percentunit': return `${+(value * 100).toFixed(1)}%`;
    case 'bytes': return value >= 2 ** 30 ? `${+(value / 2 ** 30).toFixed(1)} GiB` : `${+(value / 2 ** 20).toFixed(1)} MiB`;
    case 'cpm': return `${short(value)} cpm`;
    case 'cps': return `${short(value)} cps`;
    case 'dateTimeFromNow': { const ago = answers.end - value / 1000; return ago >= 0 ? `${span(ago)} ago` : `in ${span(-ago)}`; }
    default: return short(value);
  }
}
const mapped = (value, mappings) => mappings?.[0]?.options?.[String(value)];
const colourOf = (value, steps) => steps.reduce((found, step) => (step.value === null || value >= step.value ? step.color : found), 'text');
const legend = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '');

function stat(panel, asked) {
  const { defaults } = panel.fieldConfig;
  const tiles = asked.flatMap((answer, i) => (answer.series ?? []).map((one) => ({ name: legend(panel.targets[i].legendFormat, one.labels), value: one.values.at(-1)?.[1] })));
  if (!tiles.length) return `<div class="none">${escaped(defaults.noValue)}</div>`;
  const named = panel.options.textMode === 'value_and_name';
  const tile = ({ name, value }) => {
    const word = mapped(value, defaults.mappings);
    const colour = word?.color ?? colourOf(value, defaults.thresholds.steps);
    const back = panel.options.colorMode === 'background' ? `background:${colour === 'text' ? 'transparent' : COLOURS[colour]}` : '';
    const unit = defaults.unit;
    return `<div class="tile" style="${back}">${named ? `<small>${escaped(name)}</small>` : ''}<b>${escaped(word?.text ?? shown(value, unit))}</b></div>`;
  };
  return `<div class="tiles">${tiles.map(tile).join('')}</div>`;
}

function table(panel, asked) {
  const { organize } = Object.fromEntries(panel.transformations.map((step) => [step.id, step.options]));
  const columns = Object.entries(organize.indexByName).sort((a, b) => a[1] - b[1]).map(([field]) => ({ field, name: organize.renameByName[field] }));
  const rows = new Map();
  asked.forEach((answer, i) => {
    for (const one of answer.series ?? []) {
      const key = JSON.stringify(one.labels);
      // Grafana's merge joins rows whose common labels are equal.
      const fits = [...rows.values()].find((row) => Object.entries(one.labels).every(([k, v]) => !(k in row) || row[k] === v) && Object.keys(one.labels).some((k) => k in row) && row[`Value #${'ABCDEFGHIJ'[i]}`] === undefined);
      const row = fits ?? {};
      Object.assign(row, one.labels, { [asked.length === 1 ? 'Value' : `Value #${'ABCDEFGHIJ'[i]}`]: one.values.at(-1)?.[1] });
      if (!fits) rows.set(key, row);
    }
  });
  if (!rows.size) return `<div class="none">${escaped(panel.fieldConfig.defaults.noValue)}</div>`;
  const look = (name) => Object.fromEntries((panel.fieldConfig.overrides.find((o) => o.matcher.options === name)?.properties ?? []).map((p) => [p.id, p.value]));
  const sort = panel.options.sortBy?.[0];
  const sorted = [...rows.values()];
  if (sort) {
    const field = columns.find((column) => column.name === sort.displayName).field;
    sorted.sort((a, b) => (a[field] > b[field] ? 1 : a[field] < b[field] ? -1 : 0) * (sort.desc ? -1 : 1));
  }
  const cell = (row, column) => {
    const value = row[column.field], style = look(column.name);
    if (value === undefined) return `<td>${column.field.startsWith('Value') ? escaped(panel.fieldConfig.defaults.noValue === '–' ? '–' : '') : ''}</td>`;
    if (typeof value === 'string') return `<td>${style.links ? `<u>${escaped(value)}</u>` : escaped(value)}</td>`;
    const word = mapped(value, style.mappings);
    const colour = word?.color ?? (style.thresholds ? colourOf(value, style.thresholds.steps) : 'text');
    return `<td${colour !== 'text' ? ` style="background:${COLOURS[colour]}"` : ''}>${escaped(word?.text ?? shown(value, style.unit))}</td>`;
  };
  return `<table><tr>${columns.map((c) => `<th>${escaped(c.name)}</th>`).join('')}</tr>${sorted.map((row) => `<tr>${columns.map((c) => cell(row, c)).join('')}</tr>`).join('')}</table>`;
}

function draw(option, width, height) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: 'transparent', color: PALETTE, textStyle: { color: '#ccccdc', fontFamily: 'sans-serif', fontSize: 11 }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
const timeAxis = () => ({ type: 'time', min: story(answers.begin), max: story(answers.end), axisLine: { lineStyle: { color: '#555' } }, axisLabel: { color: '#9fa7b3', hideOverlap: true, formatter: '{HH}:{mm}' }, splitLine: { show: true, lineStyle: { color: '#2c3235' } } });

function lines(panel, asked, width, height) {
  const { defaults, overrides } = panel.fieldConfig;
  const stacked = defaults.custom.stacking.mode === 'normal';
  const limits = new Set(overrides.filter((o) => o.matcher.id === 'byFrameRefID').map((o) => o.matcher.options));
  const series = asked.flatMap((answer, i) => (answer.series ?? []).map((one) => {
    const isLimit = limits.has(panel.targets[i].refId);
    return { name: legend(panel.targets[i].legendFormat, one.labels), type: 'line', showSymbol: one.values.length < 2, symbolSize: 4, connectNulls: false, stack: stacked && !isLimit ? 'all' : undefined,
      areaStyle: isLimit ? undefined : { opacity: stacked ? 0.4 : 0.08 }, lineStyle: { width: 1.3, type: isLimit ? 'dashed' : 'solid' }, data: gaps(one.values), last: one.values.at(-1)?.[1], most: Math.max(...one.values.map(([, v]) => v).filter(Number.isFinite)) };
  })).filter((one) => one.data.some(([, v]) => v !== null));
  if (!series.length) return `<div class="none">${escaped(defaults.noValue)}</div>`;
  const steps = defaults.custom.thresholdsStyle.mode === 'off' ? [] : defaults.thresholds.steps.filter((step) => step.value !== null);
  const top = Math.max(...series.map((one) => one.most), 0);
  if (steps.length) series[0].markLine = { silent: true, symbol: 'none', label: { show: false }, data: steps.filter((step) => step.value <= Math.max(top * 3, 1.05)).map((step) => ({ yAxis: step.value, lineStyle: { color: COLOURS[step.color], type: 'dashed' } })) };
  const rows = Math.min(series.length, Math.max(2, Math.floor((height - 120) / 17)));
  const svg = draw({ grid: { left: 64, right: 12, top: 10, bottom: 24 }, xAxis: timeAxis(), yAxis: { type: 'value', min: ({ min }) => Math.min(0, min), max: defaults.max, axisLabel: { color: '#9fa7b3', formatter: (v) => shown(v, defaults.unit) }, splitNumber: 4, splitLine: { lineStyle: { color: '#2c3235' } } }, series: series.map(({ last, most, ...rest }) => rest) }, width, height - rows * 17 - 20);
  const names = series.slice(0, rows).map((one, i) => `<tr><td><i style="background:${PALETTE[i % PALETTE.length]}"></i>${escaped(one.name)}</td><td>${escaped(shown(one.last, defaults.unit))}</td><td>${escaped(shown(one.most, defaults.unit))}</td></tr>`);
  const more = series.length > rows ? ` <em>+ ${series.length - rows} more</em>` : '';
  return `${svg}<table class="legend"><tr><th>Name${more}</th><th>Last *</th><th>Max</th></tr>${names.join('')}</table>`;
}
// Where a step is missing the line is broken.
function gaps(values) {
  return values.flatMap(([t, v], i) => {
    const point = [story(t), Number.isFinite(v) ? v : null];
    return i && t - values[i - 1][0] > answers.step * 1.5 ? [[story(t) - 1, null], point] : [point];
  });
}

function states(panel, asked, width, height) {
  const { defaults } = panel.fieldConfig;
  const rows = asked.flatMap((answer, i) => (answer.series ?? []).map((one) => ({ name: legend(panel.targets[i].legendFormat, one.labels), values: one.values })));
  if (!rows.length) return `<div class="none">${escaped(defaults.noValue)}</div>`;
  rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  const left = 12 + Math.min(230, Math.max(...rows.map((row) => row.name.length)) * 6.4), each = Math.min(34, (height - 24) / rows.length);
  const x = (t) => left + ((t - answers.begin) / (answers.end - answers.begin)) * (width - left - 8);
  const bars = rows.map((row, i) => {
    const runs = [];
    for (const [t, v] of row.values) {
      const last = runs.at(-1);
      if (last && last.v === v && t - last.to <= answers.step * 1.5) last.to = t; else runs.push({ v, from: t, to: t });
    }
    const bar = runs.map(({ v, from, to }) => {
      const word = mapped(v, defaults.mappings), w = Math.max(2, x(to + answers.step) - x(from));
      const text = w > 40 && word ? `<text x="${x(from) + 4}" y="${i * each + each / 2 + 4}" fill="#fff" font-size="11">${escaped(word.text)}</text>` : '';
      return `<rect x="${x(from)}" y="${i * each + 2}" width="${Math.min(w, width - 8 - x(from))}" height="${each * 0.85}" fill="${COLOURS[word?.color ?? colourOf(v, defaults.thresholds.steps)]}"/>${text}`;
    });
    return `<text x="${left - 6}" y="${i * each + each / 2 + 4}" text-anchor="end" fill="#ccccdc" font-size="${Math.min(11, each)}">${escaped(row.name)}</text>${bar.join('')}`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => { const t = answers.begin + part * (answers.end - answers.begin); return `<text x="${Math.min(x(t), width - 24)}" y="${height - 6}" fill="#9fa7b3" font-size="11" text-anchor="middle">${new Date(story(t)).toISOString().slice(11, 16)}</text>`; });
  return `<svg width="${width}" height="${height}" font-family="sans-serif">${bars.join('')}${ticks.join('')}</svg>`;
}

function heat(panel, asked, width, height) {
  const classic = asked[0].series ?? [], native = asked[0].histograms ?? [];
  const cells = new Map();
  const put = (t, low, high, count) => { if (count > 1e-9) cells.set(`${t} ${high}`, { t, low, high, count: count + (cells.get(`${t} ${high}`)?.count ?? 0) }); };
  const bounds = classic.map((one) => Number(one.labels.le.replace('+Inf', 'Infinity'))).sort((a, b) => a - b);
  for (const one of classic) {
    const le = Number(one.labels.le.replace('+Inf', 'Infinity')), below = bounds[bounds.indexOf(le) - 1];
    const under = new Map(classic.find((other) => Number(other.labels.le) === below)?.values ?? []);
    for (const [t, v] of one.values) put(t, below ?? 0, le, v - (under.get(t) ?? 0));
  }
  for (const [t, buckets] of native) for (const [low, high, count] of buckets) put(t, low, high, count);
  const all = [...cells.values()].filter((cell) => Number.isFinite(cell.high));
  if (!all.length) return `<div class="none">${escaped(panel.fieldConfig.defaults.noValue)}</div>`;
  const most = Math.max(...all.map((cell) => cell.count)), top = Math.log(Math.max(...all.map((cell) => cell.high))), bottom = Math.log(Math.max(0.01, Math.min(...all.map((cell) => Math.max(cell.low, cell.high / 2)))));
  const x = (t) => 60 + ((t - answers.begin) / (answers.end - answers.begin)) * (width - 70), y = (v) => 10 + ((top - Math.log(Math.max(v, Math.exp(bottom)))) / (top - bottom || 1)) * (height - 40);
  const rects = all.map((cell) => `<rect x="${x(cell.t)}" y="${y(cell.high)}" width="${Math.max(2, x(cell.t + answers.step) - x(cell.t) - 1)}" height="${Math.max(2, y(cell.low || cell.high / 2) - y(cell.high) - 1)}" fill="#ff9830" opacity="${0.2 + 0.8 * Math.sqrt(cell.count / most)}"/>`);
  const marks = [0, 0.33, 0.66, 1].map((part) => Math.exp(bottom + part * (top - bottom))).map((v) => `<text x="54" y="${y(v) + 4}" text-anchor="end" fill="#9fa7b3" font-size="11">${span(v)}</text>`);
  return `<svg width="${width}" height="${height}" font-family="sans-serif">${rects.join('')}${marks.join('')}</svg>`;
}

const markdown = (text) => escaped(text).replace(/\*\*(.+?)\*\*/g, '<b>$1</b>').replace(/`(.+?)`/g, '<code>$1</code>').replace(/\[(.+?)\]\((.+?)\)/gs, '<u>$1</u>').replace(/\n\n/g, '<br>');

function panel(json, board, y) {
  const uid = board.uid;
  const { x, w, h } = json.gridPos, width = w * COLUMN - GAP, height = h * ROW - GAP;
  const box = `left:${x * COLUMN}px;top:${y * ROW}px;width:${width}px;height:${height}px`;
  if (json.type === 'row') return `<h2 style="left:${x * COLUMN}px;top:${y * ROW}px">⌄ ${escaped(json.title)}</h2>`;
  if (json.type === 'text') return `<section class="plain" style="${box}"><p>${markdown(json.options.content.replaceAll('${tierwatch}', board.templating.list.find((one) => one.name === 'tierwatch').query))}</p></section>`;
  const asked = json.targets.map((target) => answers.boards[uid][`${json.id} ${target.refId}`] ?? {});
  const inner = [width - 16, height - 34];
  const body = { stat, table, timeseries: lines, 'state-timeline': states, heatmap: heat }[json.type](json, asked, ...inner);
  return `<section style="${box}"><h3 title="${escaped(json.description)}">${escaped(json.title)}</h3>${body}</section>`;
}

function page(board) {
  let height = 0, moved = 0;
  const parts = [];
  for (const json of board.panels) {
    const y = json.gridPos.y + moved;
    parts.push(panel(json, board, y));
    height = Math.max(height, y + json.gridPos.h);
    // Folded rows are unfolded here.
    let grown = 0;
    for (const inner of json.panels ?? []) { parts.push(panel(inner, board, inner.gridPos.y + moved)); grown = Math.max(grown, inner.gridPos.y + inner.gridPos.h - json.gridPos.y - 1); height = Math.max(height, inner.gridPos.y + moved + inner.gridPos.h); }
    moved += grown;
  }
  return `<!doctype html><meta charset="utf-8"><title>${escaped(board.title)}</title><style>
  body{margin:0;background:#111217;color:#ccccdc;font:12px sans-serif;width:${WIDTH}px}header{padding:10px 12px}header b{font-size:17px}main{position:relative;margin-left:4px;height:${height * ROW + 8}px}
  section{position:absolute;background:#181b1f;border:1px solid #2c3235;border-radius:2px;overflow:hidden;padding:0 8px;box-sizing:border-box}section.plain{background:none;border:none;font-size:13px;line-height:1.5}
  h2{position:absolute;font-size:15px;margin:8px 4px;font-weight:500}h3{font-size:13px;font-weight:500;margin:7px 0 6px}.none{color:#9fa7b3;text-align:center;padding-top:18px}
  .tiles{display:flex;gap:6px;height:calc(100% - 40px)}.tile{flex:1;display:flex;flex-direction:column;justify-content:center;align-items:center;border-radius:2px;min-width:0}.tile b{font-size:22px;font-weight:500}.tile small{font-size:12px;white-space:nowrap;overflow:hidden;max-width:100%}
  table{width:100%;border-collapse:collapse;font-size:12px}td,th{text-align:left;padding:4px 6px;border-bottom:1px solid #2c3235;white-space:nowrap}th{color:#8ab8ff;font-weight:500}
  .legend td,.legend th{padding:0 6px;height:16px;border:none}.legend td:not(:first-child),.legend th:not(:first-child){text-align:right;width:70px}.legend i{display:inline-block;width:12px;height:4px;margin-right:6px;vertical-align:middle}code{background:#2c3235;padding:1px 4px}</style>
  <header><b>${escaped(board.title)}</b> &nbsp; ${escaped(board.description)}</header><main>${parts.join('\n')}</main>`;
}

for (const file of readdirSync(dashboards).filter((name) => name.endsWith('.json'))) {
  const board = JSON.parse(readFileSync(join(dashboards, file), 'utf8'));
  if (answers.boards[board.uid]) writeFileSync(join(out, file.replace('.json', '.html')), page(board));
}
