// Signs and verifies webhooks with svix, Svix' own.

import { load } from './modules.mjs';
import { run } from './webhooks.mjs';

const { Webhook } = await load('svix');

run(
  ({ secret, body }, at) => ({
    'svix-id': 'msg_1',
    'svix-timestamp': String(at),
    'svix-signature': new Webhook(secret).sign('msg_1', new Date(at * 1000), body),
  }),
  ({ secret }, headers, body) => {
    new Webhook(secret).verify(body, headers);
    return true;
  },
);
