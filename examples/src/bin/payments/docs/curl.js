// A request that can be pasted into a shell.

import { pretty } from './dom.js';

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(resolve, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const example = (parameter) => parameter.example ?? resolve(parameter.schema).examples?.[0] ?? parameter.name.toUpperCase();
  const path = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((at, parameter) => at.replace(`{${parameter.name}}`, example(parameter)), operation.path);
  const lines = [`curl ${operation.method === 'get' ? '' : `-X ${operation.method.toUpperCase()} `}${quoted(location.origin + path)}`];
  const needsAccount = operation.security?.some((requirement) => 'account' in requirement);
  if (needsAccount) lines.push(`-H ${quoted('authorization: Bearer alice')}`);
  const key = parameters.find(({ name, in: place, required }) => place === 'header' && (required || name === 'idempotency-key'));
  if (key) lines.push(`-H ${quoted(`${key.name}: ${example(key)}`)}`);
  if (operation.path.endsWith('/events')) lines.push('-N');
  return [...lines, ...body(resolve, operation)].join(' \\\n  ');
}

function body(resolve, operation) {
  const json = resolve(operation.requestBody).content?.['application/json'];
  if (!json) return [];
  const said = resolve(json.schema);
  const examples = Object.entries(said.properties ?? {}).map(([name, property]) => [name, resolve(property).example]);
  const value = json.example ?? Object.fromEntries(examples.filter(([, example]) => example !== undefined));
  return [`-H ${quoted('content-type: application/json')}`, `-d ${quoted(pretty(value).replace(/\s*\n\s*/g, ' '))}`];
}
