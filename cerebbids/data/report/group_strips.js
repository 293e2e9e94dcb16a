'use strict';
// Panels of points, one strip a side: what is drawn, and which point is nearest to the pointer or next on the keyboard.
const drawPanel = (() => {
  const WIDTH = 320;
  const LEFT = 26;
  const RIGHT = 310;
  const STRIP = 44;
  const SVG = 'http://www.w3.org/2000/svg';

  function add(parent, name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  function scale(low, high) {
    const pad = 0.04 * (high - low) || Math.abs(high) * 0.02 || 1;
    return (value) => LEFT + ((RIGHT - LEFT) * (value - low + pad)) / (high - low + 2 * pad);
  }

  // Spreads points over the strip's height, evenly and always the same.
  const lift = (k) => (((k * 0.618034) % 1) - 0.5) * 24;

  function drawBox(svg, box, x, y) {
    const [low, q1, median, q3, high] = box.marks.map(x);
    add(svg, 'line', {class: 'whisker', x1: low, x2: q1, y1: y, y2: y});
    add(svg, 'line', {class: 'whisker', x1: q3, x2: high, y1: y, y2: y});
    add(svg, 'rect', {class: 'quartiles', x: q1, y: y - 15, width: Math.max(q3 - q1, 0.5), height: 30});
    add(svg, 'line', {class: 'median', x1: median, x2: median, y1: y - 15, y2: y + 15});
  }

  function drawStrip(svg, strip, x, y) {
    const short = {left: 'L', right: 'R'}[strip.side];
    if (short) add(svg, 'text', {x: 4, y: y + 4}, short);
    const points = [];
    strip.values.forEach((value, k) => {
      if (value !== null) points.push({k, value, x: x(value), y: y + lift(k), strip});
    });
    const path = points.map((point) => `M${point.x.toFixed(1)} ${point.y.toFixed(1)}h0`).join('');
    add(svg, 'path', {class: `dots ${strip.side}`, d: path}); // one path, as there may be thousands
    if (strip.box) drawBox(svg, strip.box, x, y);
    const outliers = new Set(strip.box ? strip.box.outliers : []);
    for (const point of points) {
      point.outlier = outliers.has(point.k);
      if (point.outlier) add(svg, 'circle', {class: 'outlier', cx: point.x, cy: point.y, r: 5});
    }
    return points;
  }

  function readPointer(svg, points, event) {
    const frame = svg.getBoundingClientRect();
    const zoom = WIDTH / frame.width;
    const [x, y] = [(event.clientX - frame.left) * zoom, (event.clientY - frame.top) * zoom];
    let best = null;
    let least = 14;
    for (const point of points) {
      const distance = Math.hypot(point.x - x, point.y - y);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  // strips: {side, values, box}. hover(k), keep(k) and open(k) are told a place in the values, or null for none;
  // describe(point) gives nodes for the line below. What comes back shows a place that was chosen in any panel.
  return function draw(parent, {title, strips, domain, zero, format, summary, describe, hover, keep, open}) {
    const panel = parent.appendChild(document.createElement('div'));
    panel.className = 'panel';
    panel.append(Object.assign(document.createElement('h3'), {textContent: title}));
    const height = STRIP * strips.length + 18;
    const svg = add(panel, 'svg', {viewBox: `0 0 ${WIDTH} ${height}`, tabindex: 0, role: 'application'});
    svg.setAttribute('aria-label', `${title}. ${summary.replace('\n', '. ')}. Arrow keys go from image to image, Enter opens its page.`);
    const x = scale(...domain);
    if (zero) add(svg, 'line', {class: 'zero', x1: x(0), x2: x(0), y1: 0, y2: height - 18});
    const points = strips.flatMap((strip, row) => drawStrip(svg, strip, x, STRIP * (row + 0.5)));
    add(svg, 'text', {x: LEFT, y: height - 4}, format(domain[0]));
    add(svg, 'text', {x: RIGHT, y: height - 4, 'text-anchor': 'end'}, format(domain[1]));
    const marks = strips.map(() => add(svg, 'circle', {class: 'mark', r: 5.5, visibility: 'hidden'}));
    const line = panel.appendChild(document.createElement('p'));
    line.className = 'readout';
    line.textContent = summary;
    let current = null;

    function say(point) {
      current = point;
      line.replaceChildren(...(point ? describe(point) : [summary]));
    }

    function step(key) {
      const row = current ? strips.indexOf(current.strip) : 0;
      const next = row + ({ArrowDown: 1, ArrowUp: -1}[key] ?? 0);
      const strip = strips[Math.min(Math.max(next, 0), strips.length - 1)];
      const there = points.filter((point) => point.strip === strip).sort((a, b) => a.value - b.value);
      const at = current ? there.findIndex((point) => point.k === current.k) : -1;
      const to = at < 0 ? 0 : at + ({ArrowRight: 1, ArrowLeft: -1}[key] ?? 0);
      return there[Math.min(Math.max(to, 0), there.length - 1)] ?? null;
    }

    function choose(point) {
      keep(point ? point.k : null);
      say(point);
    }

    svg.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && current) open(current.k);
      if (event.key === 'Escape') choose(null);
      if (!event.key.startsWith('Arrow')) return;
      event.preventDefault();
      choose(step(event.key));
    });
    svg.addEventListener('pointermove', (event) => {
      const point = readPointer(svg, points, event);
      if (point && point !== current && hover(point.k)) say(point);
    });
    svg.addEventListener('click', (event) => choose(readPointer(svg, points, event)));
    svg.addEventListener('pointerleave', () => hover(null));
    svg.addEventListener('focus', () => line.setAttribute('aria-live', 'polite'));
    svg.addEventListener('blur', () => line.setAttribute('aria-live', 'off'));

    return (k) => {
      strips.forEach((strip, row) => {
        const point = k === null ? null : points.find((one) => one.k === k && one.strip === strip);
        marks[row].setAttribute('visibility', point ? 'visible' : 'hidden');
        if (point) {
          marks[row].setAttribute('cx', point.x);
          marks[row].setAttribute('cy', point.y);
        }
      });
      if (current && current.k !== k) say(null);
    };
  };
})();
