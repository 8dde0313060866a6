// Packages are where STONEWORK_NODE_MODULES says, and not beside the scripts, where `import` looks.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.STONEWORK_NODE_MODULES;
if (!modules) {
  throw new Error('STONEWORK_NODE_MODULES is not set: run ./test.sh clients, which installs package-lock.json');
}
const { resolve } = createRequire(join(modules, 'anywhere.js'));

export const load = (name) => import(pathToFileURL(resolve(name)));

/** A file of a package that tells `import` where it is, and not `require`, which is how `load` finds them. */
export const loadFile = (path) => import(pathToFileURL(join(modules, path)));

/** The URL and the options of a script: `--header=NAME=VALUE` and `--NAME`. */
export function options(args) {
  const [url, ...rest] = args;
  const headers = rest.filter((option) => option.startsWith('--header=')).map((option) => option.slice(9));
  const pairs = headers.map((header) => [header.slice(0, header.indexOf('=')), header.slice(header.indexOf('=') + 1)]);
  return { url, headers: Object.fromEntries(pairs), once: rest.includes('--once') };
}

export const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);
