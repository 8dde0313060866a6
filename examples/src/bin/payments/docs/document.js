// What a document says, without knowing how it is shown.

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];

/** Follows references within the document, as far as they lead. */
export function resolver(root) {
  return function resolve(thing) {
    for (let hops = 0; thing?.$ref && hops < 8; hops += 1) {
      const steps = thing.$ref.slice(2).split('/').map((step) => step.replace(/~1/g, '/').replace(/~0/g, '~'));
      thing = steps.reduce((at, step) => at?.[step], root);
    }
    return thing ?? {};
  };
}

/** The name of what is referred to. */
export const nameOf = (thing) => thing?.$ref?.split('/').at(-1);

/** All operations in their order; those that are sent to a client are webhooks, and have no path. */
export function operations(root) {
  const of = (items, isSent) => Object.entries(items ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      return { ...operation, id: operation.operationId ?? `${method}${path}`, method, path, isSent, version: versionOf(path) };
    }));
  return [...of(root.paths, false), ...of(root.webhooks, true)];
}

/** `v2` of `/v2/transfers`. */
const versionOf = (path) => path.match(/^\/(v\d+)\//)?.[1];

/** The newest first. */
export const versions = (all) => [...new Set(all.map(({ version }) => version).filter(Boolean))].sort().reverse();

export function matches(operation, version, words) {
  const text = [operation.method, operation.path, operation.summary, operation.id].join(' ').toLowerCase();
  return (!operation.version || operation.version === version) && words.every((word) => text.includes(word));
}
