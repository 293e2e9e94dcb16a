'use strict';
// The distributions of all regions for the chosen labels and unit, and the changes between sessions.
(() => {
  const group = JSON.parse(document.getElementById('data').textContent);
  const scheme = document.getElementById('scheme');
  const unit = document.getElementById('unit');
  if (!scheme) return; // no image has volumes

  const rounded = (value, digits) => value.toLocaleString('en', {maximumFractionDigits: digits});
  const format = {
    mm3: (value) => `${rounded(value, value < 100 ? 1 : 0)} mm³`,
    percent: (value) => `${rounded(value, value < 0.1 ? 4 : 3)} %`,
    change: (value) => `${value > 0 ? '+' : ''}${rounded(value, 1)} %`,
  };

  function link(number) {
    const made = document.createElement('a');
    made.href = group.links[number];
    made.textContent = group.images[number];
    return made;
  }

  function reach(strips) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of strips.flatMap((strip) => strip.values)) {
      if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    return low <= high ? [low, high] : null;
  }

  const beyond = (count) => (count ? `, ${count} ${count === 1 ? 'outlier' : 'outliers'}` : '');

  function summary(strips, what, form) {
    const lines = strips.map((strip) => {
      const known = strip.values.filter((value) => value !== null).length;
      const side = {left: 'L: ', right: 'R: ', both: ''}[strip.side];
      if (!strip.box) return `${side}${known} ${what}`;
      return `${side}${known} ${what}, median ${form(strip.box.marks[2])}${beyond(strip.box.outliers.length)}`;
    });
    return lines.join('\n');
  }

  // One set of panels: what is chosen in one of them shows in all.
  function draw(parent, panels, options, nothing) {
    let kept = false;
    const marks = [];
    const show = (k) => marks.forEach((mark) => mark(k));
    const keep = (k) => {
      kept = k !== null;
      show(k);
    };
    const hover = (k) => {
      if (!kept) show(k);
      return !kept;
    };
    parent.replaceChildren();
    for (const panel of panels) marks.push(drawPanel(parent, {...panel, ...options, hover, keep}));
    if (!panels.length) {
      parent.append(Object.assign(document.createElement('p'), {className: 'empty', textContent: nothing}));
    }
  }

  function drawDistributions(data, inUnit) {
    const percent = inUnit === 'percent';
    const value = (mm3, k) => {
      if (!percent) return mm3;
      return mm3 === null || !data.cavity[k] ? null : (100 * mm3) / data.cavity[k];
    };
    const panels = [];
    for (const {title, strips: all} of data.panels) {
      const strips = all
        .filter((strip) => inUnit in strip.boxes)
        .map((strip) => ({side: strip.side, values: strip.values.map(value), box: strip.boxes[inUnit]}));
      const domain = reach(strips);
      if (domain) panels.push({title, strips, domain, summary: summary(strips, 'images', format[inUnit])});
    }
    const options = {
      format: format[inUnit],
      describe: (point) => [
        link(data.rows[point.k]),
        `: ${point.strip.side === 'both' ? '' : `${point.strip.side} `}${format[inUnit](point.value)}${point.outlier ? ', outlier' : ''}`,
      ],
      open: (k) => location.assign(group.links[data.rows[k]]),
    };
    draw(document.getElementById('distributions'), panels, options, 'No image has a measured intracranial cavity.');
  }

  function drawChanges(data) {
    const parent = document.getElementById('differences');
    if (!parent) return;
    const known = (data.changes ?? []).map(({title, strips}) => ({
      title,
      strips: strips.map((strip) => ({...strip, box: strip.boxes.change})),
    }));
    const domain = reach(known.flatMap(({strips}) => strips));
    const widest = domain ? [Math.min(domain[0], 0), Math.max(domain[1], 0)] : null;
    const panels = known
      .filter(({strips}) => reach(strips))
      .map((panel) => ({...panel, domain: widest, zero: true, summary: summary(panel.strips, 'pairs', format.change)}));
    const options = {
      format: format.change,
      describe: (point) => {
        const [earlier, later] = data.pairs[point.k];
        const mm3 = point.strip.mm3[point.k];
        const side = point.strip.side === 'both' ? '' : `${point.strip.side} `;
        const told = `${format.change(point.value)} (${mm3 > 0 ? '+' : ''}${rounded(mm3, 0)} mm³)`;
        return [link(earlier), ' → ', link(later), `: ${side}${told}${point.outlier ? ', outlier' : ''}`];
      },
      open: (k) => location.assign(group.links[data.pairs[k][1]]),
    };
    draw(parent, panels, options, 'No image of these labels has another of a later session.');
  }

  function redraw() {
    const data = group.schemes[scheme.value];
    for (const about of document.querySelectorAll('.about')) about.hidden = about.dataset.scheme !== scheme.value;
    drawDistributions(data, unit.value);
    drawChanges(data);
  }

  scheme.addEventListener('change', redraw);
  unit.addEventListener('change', redraw);
  redraw();
})();
