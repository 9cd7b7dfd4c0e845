// The status page of dmpm: asks status.json every few seconds and draws what it says.
'use strict';

const EVERY = 5000;     // ms between two questions
const ROWS = 200;       // shown at a time; "more" adds as many
const NARROW = matchMedia('(max-width: 40rem)');
const SVG = 'http://www.w3.org/2000/svg';

// Of a group's array in status.json.
const FIELDS = ['name', 'user', 'sites', 'running', 'busy', 'starts', 'failures', 'requests',
                'errors', 'flight', 'waiting'];
const COLUMNS = [
  { key: 'name', title: 'Group', text: true },
  { key: 'user', title: 'User', text: true, optional: true },
  { key: 'sites', title: 'Sites', text: true },
  { key: 'state', title: 'State', text: true },
  { key: 'running', title: 'Workers' },
  { key: 'rate', title: 'Req/s' },
  { key: 'requests', title: 'Requests' },
  { key: 'errors', title: '5xx' },
  { key: 'flight', title: 'In flight', optional: true },
  { key: 'waiting', title: 'Waiting', optional: true },
  { key: 'starts', title: 'Starts', optional: true },
  { key: 'failures', title: 'Failures', optional: true },
];

let groups = [];        // of the last answer
let before = new Map(); // group's name -> { requests, time }: of the answer before
let order = { key: 'name', down: false };
let shown = ROWS;
let last = null;        // the last answer

const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

function draw(tag, attributes = {}, ...content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

function short(number) {
  const units = ['', ' k', ' M', ' G', ' T'];
  let unit = 0;
  while (number >= 10000 && unit < units.length - 1) { number /= 1000; ++unit; }
  return (Number.isInteger(number) || number >= 100 ? Math.round(number) : number.toFixed(1)) + units[unit];
}

function ago(seconds) {
  if (seconds < 100) return `${seconds} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

// ---- load ----

function plot(title, values, every, bad) {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length - 1);
  const line = values.map((value, i) => `${(i * step).toFixed(2)} ${(30 - 29 * value / most).toFixed(2)}`);
  const now = values.length ? values[values.length - 1] : 0;
  const picture = draw('svg', { class: bad ? 'plot bad' : 'plot', viewBox: '0 0 100 30',
                                preserveAspectRatio: 'none', role: 'img' },
                       draw('title', {}, `${title}: now ${short(now)}, at most ${short(Math.max(0, ...values))}`));
  if (values.length > 1) picture.append(draw('path', { d: `M0 30L${line.join('L')}L100 30Z` }));
  const minutes = Math.round(values.length * every / 60);
  return make('figure', {},
              make('figcaption', {}, make('span', {}, title), make('strong', {}, short(now))), picture,
              make('figcaption', {}, make('span', {}, `${minutes} min`),
                   make('span', {}, `max ${short(Math.max(0, ...values))}`)));
}

function showLoad(load) {
  byId('load').replaceChildren(
    plot('requests/s', load.requests, load.every), plot('5xx/s', load.errors, load.every, true),
    plot('bytes/s', load.bytes, load.every), plot('connections', load.connections, load.every),
    plot('workers', load.workers, load.every));
}

// ---- processes ----

// [x, y] of each box, in a wide and in a narrow picture.
const PLACES = {
  clients: [[10, 30], [10, 10]], dispatcher: [[210, 30], [10, 100]], workers: [[430, 30], [180, 100]],
  keyholder: [[10, 130], [10, 190]], master: [[210, 130], [180, 190]], logger: [[430, 130], [10, 280]],
  metrics: [[210, 220], [180, 280]],
};
const ARROWS = [['clients', 'dispatcher'], ['dispatcher', 'workers'], ['dispatcher', 'keyholder'],
                ['dispatcher', 'master'], ['master', 'workers'], ['workers', 'logger']];

function boxes(answer) {
  const found = { clients: { name: 'clients', who: `${short(answer.connections)} connections` } };
  for (const process of answer.processes) {
    const kind = process.name.split(' ')[0];
    const box = found[kind] ||= { name: kind, who: process.user, count: 0, up: 0, root: process.user === 'root' };
    ++box.count;
    box.up += process.pid > 0;
    box.pid = process.pid;
  }
  for (const box of Object.values(found)) {
    if (!box.count) continue;
    box.down = box.up === 0;
    box.detail = box.down ? 'down' : box.count > 1 ? `${box.up} processes` : `pid ${box.pid}`;
  }
  const awake = groups.filter((group) => group.running > 0);
  const users = new Set(awake.map((group) => group.user));
  const named = [...users].slice(0, 2).join(', ') + (users.size > 2 ? `, … (${users.size})` : '');
  found.workers = { name: 'workers', who: named || 'nobody now',
                    detail: `${awake.reduce((sum, group) => sum + group.running, 0)} of ${awake.length} groups` };
  return found;
}

function showProcesses(answer) {
  const narrow = NARROW.matches ? 1 : 0;
  const [width, height] = narrow ? [150, 72] : [180, 72];
  const picture = draw('svg', { class: 'picture', viewBox: narrow ? '0 0 340 362' : '0 0 620 302', role: 'img' },
    draw('title', {}, 'dmpm’s processes, and the user that each runs as'),
    draw('defs', {}, draw('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 8,
                                      markerHeight: 8, orient: 'auto' },
                          draw('path', { class: 'arrow', d: 'M0 0L8 4L0 8Z' }))));
  const all = boxes(answer);
  const middle = (name) => PLACES[name][narrow].map((at, i) => at + [width, height][i] / 2);
  for (const [from, to] of ARROWS) {
    if (!all[from] || !all[to]) continue;
    const [a, b] = [middle(from), middle(to)];
    // To the border of the box, not its middle.
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const part = 1 - Math.min(width / 2 / Math.abs(dx || 1e-9), height / 2 / Math.abs(dy || 1e-9));
    picture.append(draw('line', { x1: a[0], y1: a[1], x2: a[0] + dx * part, y2: a[1] + dy * part,
                                  'marker-end': 'url(#arrow)' }));
  }
  for (const [name, box] of Object.entries(all)) {
    const [x, y] = PLACES[name][narrow];
    const line = (offset, kind, text) => draw('text', { x: x + 10, y: y + offset, class: kind }, text || '');
    picture.append(draw('g', { class: `${box.root ? 'root' : ''} ${box.down ? 'down' : ''}` },
                        draw('rect', { x, y, width, height, rx: 5 }), line(22, 'name', box.name),
                        line(41, 'who', box.who), line(60, '', box.detail)));
  }
  byId('processes').replaceChildren(picture);
}

// ---- failures ----

function showFailures(answer) {
  const entries = [
    ...answer.failures.map((f) => ({ ago: f.ago, what: `${f.status} ${f.reason.replaceAll('_', ' ')}`,
                                     where: f.host || f.group || '(no site)', detail: `error id ${f.id}` })),
    ...answer.troubles.map((t) => ({ ago: t.ago, what: 'worker failed', where: t.group, detail: t.reason })),
  ].sort((a, b) => a.ago - b.ago).slice(0, 100);
  byId('failures').replaceChildren(...(entries.length ? entries.map((entry) => make('li', {},
    make('span', { className: 'when' }, ago(entry.ago)), make('strong', {}, entry.where), ' ',
    make('span', { className: 'what' }, entry.what), ' ', entry.detail)) : [make('li', {}, 'none')]));
}

// ---- sites and groups ----

function readGroups(answer) {
  const now = performance.now();
  const seen = new Map();
  groups = answer.groups.map((values) => {
    const group = Object.fromEntries(FIELDS.map((field, i) => [field, values[i]]));
    const old = before.get(group.name);
    group.rate = old && now > old.time ? Math.max(0, group.requests - old.requests) * 1000 / (now - old.time) : 0;
    group.rate = Math.round(group.rate * 10) / 10;
    group.state = group.running > 0 ? 'awake' : group.busy > 0 ? 'starting or ending' : 'asleep';
    group.find = [group.name, group.user, group.state, ...group.sites].join(' ').toLowerCase();
    seen.set(group.name, { requests: group.requests, time: now });
    return group;
  });
  before = seen;
}

function selected() {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = groups.filter((group) => words.every((word) => group.find.includes(word)));
  const { key, down } = order;
  const value = key === 'sites' ? (group) => group.sites[0] || '' : (group) => group[key];
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const way = x < y ? -1 : x > y ? 1 : 0;
    return (down ? -way : way) || (a.name < b.name ? -1 : 1);
  });
  return rows;
}

function cell(group, column) {
  const value = group[column.key];
  const classes = [column.text ? 'text' : '', column.optional ? 'optional' : ''];
  if (column.key === 'state' && group.running > 0) classes.push('awake');
  if (column.key === 'failures' && value > 0) classes.push('failing');
  if (column.key === 'errors' && value > 0) classes.push('errors');
  if (column.key !== 'sites') {
    return make('td', { className: classes.join(' ') }, column.text ? value : short(value));
  }
  const text = value.slice(0, 3).join(', ') + (value.length > 3 ? ` … (${value.length})` : '');
  return make('td', { className: [...classes, 'sites'].join(' '), title: value.slice(0, 50).join('\n') }, text);
}

function showSites() {
  const rows = selected();
  const head = document.querySelectorAll('#sites th');
  COLUMNS.forEach((column, i) => {
    const way = order.down ? 'descending' : 'ascending';
    head[i].setAttribute('aria-sort', column.key === order.key ? way : 'none');
  });
  document.querySelector('#sites tbody').replaceChildren(...rows.slice(0, shown).map((group) =>
    make('tr', {}, ...COLUMNS.map((column) => cell(group, column)))));
  byId('found').value = `${rows.length} of ${groups.length}`;
  const more = byId('more');
  more.hidden = rows.length <= shown;
  more.textContent = `Show more (${rows.length - shown} left)`;
}

// ---- together ----

function show(answer) {
  last = answer;
  readGroups(answer);
  const awake = groups.filter((group) => group.running > 0).length;
  byId('summary').textContent = `${groups.length} groups, ${awake} awake, ${answer.hosts} virtual hosts, ` +
    `up ${ago(answer.uptime).replace(' ago', '')}`;
  showLoad(answer.load);
  showProcesses(answer);
  showFailures(answer);
  showSites();
}

async function ask() {
  try {
    const answer = await fetch('status.json', { cache: 'no-store' });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    document.body.dataset.ready = 'yes';
  } catch (error) {
    byId('summary').textContent = `no answer: ${error.message}`;
  }
  setTimeout(ask, EVERY);
}

function start() {
  document.querySelector('#sites thead tr').append(...COLUMNS.map((column) => {
    const button = make('button', { type: 'button' }, column.title);
    button.addEventListener('click', () => {
      const same = order.key === column.key;
      order = { key: column.key, down: same ? !order.down : !column.text };
      showSites();
    });
    const classes = [column.text ? 'text' : '', column.optional ? 'optional' : ''].join(' ');
    return make('th', { className: classes, scope: 'col' }, button);
  }));
  byId('search').addEventListener('input', () => { shown = ROWS; showSites(); });
  byId('more').addEventListener('click', () => { shown += ROWS; showSites(); });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== byId('search')) {
      event.preventDefault();
      byId('search').focus();
    } else if (event.key === 'Escape' && document.activeElement === byId('search')) {
      byId('search').value = '';
      showSites();
    }
  });
  NARROW.addEventListener('change', () => last && showProcesses(last));
  ask();
}

start();
