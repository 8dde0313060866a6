// Receives webhooks and verifies each with the package standardwebhooks: a line of JSON for its port, and one for each
// attempt. The first attempts are answered with 503, as many as it is told, and the others with 204.

import { createServer } from 'node:http';
import { load, say } from './modules.mjs';

const { Webhook } = (await load('standardwebhooks')).default ?? (await load('standardwebhooks'));
const [secret, failures] = process.argv.slice(2);
let attempts = 0;

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString();
  let verified = true;
  try {
    new Webhook(secret).verify(body, request.headers);
  } catch (error) {
    console.error(error);
    verified = false;
  }
  response.writeHead(attempts++ < Number(failures) ? 503 : 204).end();
  say({ id: request.headers['webhook-id'], verified, body });
});
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
