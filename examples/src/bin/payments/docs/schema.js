// A schema, as a list of what it consists of.

import { el, inline } from './dom.js';
import { nameOf } from './document.js';

const DEEPEST = 6;

export function schema(resolve, said, depth = 0) {
  const found = resolve(said);
  const name = nameOf(said);
  const merged = found.allOf ? merge(found.allOf.map(resolve)) : found;
  const heading = el('span', {}, name ? el('strong', {}, name, ' ') : '', ...kind(merged));
  const children = depth > DEEPEST ? [] : parts(resolve, merged, depth);
  return [heading, ...(children.length ? [el('ul', { class: 'schema' }, children)] : [])];
}

/** What each says of the same properties holds. */
function merge(all) {
  const properties = {};
  for (const one of all) {
    for (const [name, property] of Object.entries(one.properties ?? {})) {
      properties[name] = { ...properties[name], ...property };
    }
  }
  return { ...Object.assign({}, ...all), properties, required: all.flatMap(({ required }) => required ?? []) };
}

function kind(said) {
  const type = [said.type].flat().filter(Boolean).join(' or ');
  const range = [said.minimum !== undefined && `from ${said.minimum}`, said.maximum !== undefined && `to ${said.maximum}`];
  const length = (said.minLength || said.maxLength) && `${said.minLength ?? 0} to ${said.maxLength ?? 'any number of'} characters`;
  const fallback = said.default !== undefined && `default ${JSON.stringify(said.default)}`;
  const words = [type, said.format, ...range, length, fallback].filter(Boolean).join(', ');
  const values = said.enum ? said.enum.flatMap((value, at) => [at ? ', ' : ': ', el('code', {}, String(value))]) : [];
  const pattern = said.pattern ? [', ', el('code', {}, said.pattern)] : [];
  const description = said.description ? [' ', ...inline(said.description)] : [];
  return [el('span', { class: 'quiet' }, words, ...pattern, ...values), ...description];
}

function parts(resolve, said, depth) {
  const line = (label, of) => el('li', {}, label, ' ', ...schema(resolve, of, depth + 1));
  const properties = Object.entries(said.properties ?? {}).map(([name, property]) => {
    const isRequired = said.required?.includes(name);
    return line(el('code', {}, name + (isRequired ? '' : '?')), property);
  });
  const choices = (said.oneOf ?? said.anyOf ?? []).map((choice) => line('either', choice));
  const items = said.items ? [line('each', said.items)] : [];
  return [...properties, ...choices, ...items];
}
