'use strict';
// The table of images: sorted by any column, and only the rows that match.
(() => {
  const table = document.getElementById('quality');
  const rows = [...table.tBodies[0].rows];
  const headers = [...table.tHead.rows[0].cells];
  const find = document.getElementById('find');
  const byLight = document.getElementById('by-light');
  const byRating = document.getElementById('by-rating');
  const words = new Intl.Collator('en', {numeric: true});
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const key = (row, column) => {
    const cell = row.cells[column];
    return 'sort' in cell.dataset ? cell.dataset.sort : cell.textContent.trim();
  };

  function sort(header) {
    const column = headers.indexOf(header);
    const descending = header.getAttribute('aria-sort') === 'ascending';
    const inNumbers = header.dataset.kind === 'number';
    const keyed = rows.map((row) => [key(row, column), row]);
    keyed.sort(([a], [b]) => {
      if (a === '' || b === '') return (a === '') - (b === ''); // what is not known comes last both ways
      const order = inNumbers && !isNaN(a) && !isNaN(b) ? a - b : words.compare(a, b);
      return descending ? -order : order;
    });
    for (const other of headers) if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
    header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  function filter() {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const note = row.querySelector('.remark-of-reader');
      const matches = texts.get(row).includes(wanted) || (note && note.value.toLowerCase().includes(wanted));
      const light = !byLight.value || row.dataset.light === byLight.value;
      const rating = !byRating.value || row.dataset.rating === byRating.value;
      row.hidden = !(matches && light && rating);
      shown += !row.hidden;
    }
    document.getElementById('shown').textContent = `${shown} of ${rows.length} shown`;
  }

  for (const header of headers) {
    const button = header.querySelector('button');
    if (button) button.addEventListener('click', () => sort(header));
  }
  let waiting = 0;
  find.addEventListener('input', () => { // thousands of rows are laid out once, not for every letter
    clearTimeout(waiting);
    waiting = setTimeout(filter, 200);
  });
  byLight.addEventListener('change', filter);
  byRating.addEventListener('change', filter);
})();
