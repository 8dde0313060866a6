// Reads an event stream with the npm package eventsource, and prints one JSON line for whatever it gives. It comes
// back by itself.

import { load, options, say } from './modules.mjs';

const { EventSource } = await load('eventsource');
const { url, headers, once } = options(process.argv.slice(2));

const source = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
});

// While it waits to come back, it does not keep a process from its end.
const alive = setInterval(() => {}, 1 << 30);

function close() {
  source.close();
  clearInterval(alive);
}

for (const type of ['message', 'note', 'transfer', 'gap', 'end']) {
  source.addEventListener(type, (event) => {
    say({ type, data: event.data, id: event.lastEventId });
    if (type === 'end') close();
  });
}

source.addEventListener('error', (event) => {
  const isOver = source.readyState === EventSource.CLOSED;
  if (isOver) say({ refused: event.code });
  if (isOver || once) close();
});
