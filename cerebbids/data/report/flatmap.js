'use strict';
// Flat maps: drawn when what they are folded in is opened, and again when another measure is chosen.
(() => {
  const figure = JSON.parse(document.getElementById('flat-figure').textContent);

  function prepare(map) {
    const measures = JSON.parse(map.querySelector('script').textContent);
    const chosen = map.querySelector('select');
    const place = map.querySelector('.flat');

    function draw() {
      const {traces} = measures[Number(chosen.value)];
      const data = figure.data.map((trace, k) => ({...trace, ...traces[k]}));
      Plotly.react(place, data, structuredClone(figure.layout), figure.config);
    }

    chosen.addEventListener('change', draw);
    const folded = map.closest('details');
    folded.addEventListener('toggle', () => {
      if (folded.open) draw();
    });
    if (folded.open) draw();
  }

  document.querySelectorAll('.flatmap').forEach(prepare);
})();
