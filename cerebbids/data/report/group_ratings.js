'use strict';
// What a reader thinks of each image: kept in this browser where it lets, exported and imported as a table.
(() => {
  const PLACE = `cerebbids ratings ${location.pathname}`;
  const MADE = ['version', 'model', 'method']; // of the results that a mark was given for
  const COLUMNS = ['image', 'rating', 'note', 'date', ...MADE];
  const RATINGS = ['pass', 'flag', 'fail'];
  const status = document.getElementById('kept');
  const selects = new Map([...document.querySelectorAll('.rating')].map((one) => [one.dataset.image, one]));
  const notes = new Map([...document.querySelectorAll('.remark-of-reader')].map((one) => [one.dataset.image, one]));
  let marks = new Map();
  let kept = true;

  const oneLine = (text) => String(text ?? '').replace(/\s+/g, ' ').trim();

  const madeNow = (image) => selects.get(image).closest('tr').dataset;
  const madeOf = (told) => Object.fromEntries(MADE.map((key) => [key, oneLine(told[key])]));
  const isCurrent = (image, mark) => MADE.every((key) => !mark[key] || mark[key] === madeOf(madeNow(image))[key]);

  function checked(entries) {
    const sound = new Map();
    for (const [image, mark] of entries) {
      const rating = RATINGS.includes(mark?.rating) ? mark.rating : '';
      const note = oneLine(mark?.note);
      if (selects.has(image) && (rating || note)) sound.set(image, {rating, note, date: oneLine(mark.date), ...madeOf(mark)});
    }
    return sound;
  }

  function stored() { // there is none in some browsers, for pages on disc or in private windows
    try {
      return checked(Object.entries(JSON.parse(localStorage.getItem(PLACE)) ?? {}));
    } catch {
      kept = false;
      return marks;
    }
  }

  function keep() {
    try {
      localStorage.setItem(PLACE, JSON.stringify(Object.fromEntries(marks)));
    } catch {
      kept = false;
    }
    const where = kept ? 'kept in this browser' : 'NOT kept by this browser: export them before you leave';
    const older = [...marks].filter(([image, mark]) => !isCurrent(image, mark)).length;
    const besides = older ? `${older} more of results made otherwise, ` : '';
    status.textContent = `${marks.size - older} rated, ${besides}${where}`;
  }

  function show(image) {
    const known = marks.get(image);
    const mark = known && isCurrent(image, known) ? known : null;
    const select = selects.get(image);
    const before = known && !mark ? [known.rating, known.note].filter(Boolean).join(', ') : '';
    const made = before ? MADE.map((key) => known[key]).filter(Boolean).join(', ') : '';
    select.parentElement.querySelector('.older').textContent = before && `before: ${before} (${made})`;
    select.value = mark ? mark.rating : '';
    select.closest('td').dataset.sort = select.value;
    select.closest('tr').dataset.rating = select.value || 'none';
    notes.get(image).value = mark ? mark.note : '';
  }

  function change(image) {
    marks = stored(); // another window may have rated others since
    const mark = {rating: selects.get(image).value, note: oneLine(notes.get(image).value)};
    const date = new Date().toISOString().slice(0, 19) + 'Z';
    if (mark.rating || mark.note) marks.set(image, {...mark, date, ...madeOf(madeNow(image))});
    else marks.delete(image);
    show(image);
    keep();
  }

  function save() {
    const order = [...selects.keys()].filter((image) => marks.has(image));
    const lines = order.map((image) => {
      const mark = marks.get(image);
      return COLUMNS.map((column) => (column === 'image' ? image : mark[column] || 'n/a')).join('\t');
    });
    const text = [COLUMNS.join('\t'), ...lines, ''].join('\n');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], {type: 'text/tab-separated-values'}));
    link.download = 'group_ratings.tsv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  async function load(file) {
    const lines = (await file.text()).replace(/^\uFEFF/, '').split(/\r?\n/).filter((line) => line.trim());
    const columns = (lines.shift() ?? '').split('\t').map((name) => name.trim());
    if (!columns.includes('image') || !columns.includes('rating')) {
      status.textContent = `${file.name} has no columns image and rating: nothing imported`;
      return;
    }
    const rows = lines.map((line) => {
      const cells = line.split('\t');
      const cell = (name) => oneLine(cells[columns.indexOf(name)]).replace(/^n\/a$/, '');
      return [cell('image'), Object.fromEntries(COLUMNS.slice(1).map((column) => [column, cell(column)]))];
    });
    const sound = checked(rows.filter(([, mark]) => !mark.rating || RATINGS.includes(mark.rating)));
    marks = new Map([...stored(), ...sound]);
    sound.forEach((_, image) => show(image));
    keep();
    const left = rows.length - sound.size;
    status.textContent += `; ${sound.size} imported` + (left ? `, ${left} left out (not an image or a rating of this page)` : '');
  }

  marks = stored();
  marks.forEach((_, image) => show(image));
  keep();
  selects.forEach((select, image) => select.addEventListener('change', () => change(image)));
  notes.forEach((note, image) => note.addEventListener('change', () => change(image)));
  document.getElementById('export').addEventListener('click', save);
  document.getElementById('import').addEventListener('change', async (event) => {
    for (const file of event.target.files) await load(file);
    event.target.value = '';
  });
})();
