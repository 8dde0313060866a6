// Reads an event stream with the npm package eventsource-parser over fetch, and prints one JSON line for whatever it
// gives. Coming back is for its caller, who is told of ids and times.

import { setTimeout as pause } from 'node:timers/promises';

import { load, options, say } from './modules.mjs';

const { EventSourceParserStream } = await load('eventsource-parser/stream');
const { url, headers, once } = options(process.argv.slice(2));

let lastEventId = '';
let retry = 1000;

/** Reads one answer. Says whether there is nothing more to be read. */
async function read() {
  const resumed = lastEventId ? { 'last-event-id': lastEventId } : {};
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers, ...resumed } });
  if (response.status !== 200) {
    say({ refused: response.status });
    return true;
  }
  const parser = new EventSourceParserStream({
    onId: (id) => {
      lastEventId = id;
    },
    onRetry: (time) => {
      retry = time;
      say({ retry });
    },
    onComment: (comment) => say({ comment }),
  });
  for await (const event of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
    say({ type: event.event ?? 'message', data: event.data, id: event.id ?? null });
    if (event.event === 'end') return true;
  }
  return false;
}

for (;;) {
  try {
    if (await read()) break;
  } catch (error) {
    // A lost connection. What it was is in the cause.
    if (!(error instanceof TypeError)) throw error;
  }
  if (once) break;
  await pause(retry);
}
