// Asks graphql-relay, the reference implementation of Relay's connections, for every page of the lists of 0 to
// MOST items, and prints a JSON line for each. Items are numbers from 0.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const modules = process.env.STONEWORK_NODE_MODULES;
if (!modules) {
  throw new Error('STONEWORK_NODE_MODULES is not set: run ./test.sh clients, which installs package-lock.json');
}
// `import` looks beside this file only.
const require = createRequire(join(modules, 'anywhere.js'));
const { connectionFromArray, offsetToCursor } = require('graphql-relay');

const MOST = Number(process.argv[2]);
const upTo = (count, from = 0) => Array.from({ length: count }, (_, index) => from + index);

// `null` is absent.
function* questions(many) {
  const limits = [null, ...upTo(many + 2)];
  const cursors = [null, ...upTo(many)];
  for (const first of limits) {
    for (const last of limits) {
      for (const after of cursors) {
        for (const before of cursors) {
          yield { many, first, last, after, before };
        }
      }
    }
  }
}

function answer(asked) {
  const cursor = (item) => (item === null ? null : offsetToCursor(item));
  const { edges, pageInfo } = connectionFromArray(upTo(asked.many), {
    ...asked,
    after: cursor(asked.after),
    before: cursor(asked.before),
  });
  return { ...asked, nodes: edges.map((edge) => edge.node), ...pageInfo };
}

const lines = upTo(MOST + 1).flatMap((many) => [...questions(many)].map((asked) => JSON.stringify(answer(asked))));
process.stdout.write(lines.join('\n') + '\n');
