// What the programs for webhooks share; webhooks.py says what they do.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { say } from './modules.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    secret: { type: 'string' },
    fallback: { type: 'string' },
    body: { type: 'string' },
    at: { type: 'string', multiple: true, default: ['0'] },
  },
});

async function post(url, sign) {
  for (const at of values.at) {
    const headers = { 'content-type': 'application/json', ...(await sign(values, Number(at))) };
    const response = await fetch(url, { method: 'POST', headers, body: values.body });
    await response.arrayBuffer();
    say({ status: response.status });
  }
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function answer(response, why) {
  response.statusCode = why ? 401 : 204;
  response.end(why);
}

function serve(verify) {
  const server = createServer(async (request, response) => {
    const body = await read(request);
    try {
      const taken = await verify(values, request.headers, body);
      answer(response, taken ? '' : 'refused');
    } catch (error) {
      answer(response, error.name);
    }
  });
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
  process.stdin.on('end', () => process.exit()).resume();
}

export async function run(sign, verify) {
  const [command, url] = positionals;
  if (command === 'sign') await post(url, sign);
  else serve(verify);
}
