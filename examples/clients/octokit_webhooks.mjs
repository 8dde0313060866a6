// Signs and verifies webhooks with @octokit/webhooks-methods, GitHub's own.

import { loadFile } from './modules.mjs';
import { run } from './webhooks.mjs';

const { sign, verify, verifyWithFallback } = await loadFile('@octokit/webhooks-methods/dist-node/index.js');

run(
  async ({ secret, body }) => ({ 'x-hub-signature-256': await sign(secret, body) }),
  ({ secret, fallback }, headers, body) => {
    const given = [secret, body.toString(), headers['x-hub-signature-256']];
    return fallback ? verifyWithFallback(...given, [fallback]) : verify(...given);
  },
);
