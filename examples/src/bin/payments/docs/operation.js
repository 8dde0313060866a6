// One operation, all of it.

import { copied, el, inline, pretty, prose } from './dom.js';
import { curl } from './curl.js';
import { schema } from './schema.js';

/** Closed; it is written when it is opened. */
export function operation(resolve, said) {
  const classes = `operation${said.deprecated ? ' deprecated' : ''}`;
  const method = el('span', { class: `method ${said.method}` }, said.isSent ? 'sent' : said.method.toUpperCase());
  const notes = said.deprecated ? ' (deprecated)' : '';
  const title = el('summary', {}, method, el('code', { class: 'path' }, said.path), el('span', { class: 'summary' }, said.summary ?? '', notes));
  const details = el('details', { class: classes, id: said.id, ontoggle: write }, title);
  function write() {
    if (details.open && details.childElementCount === 1) details.append(el('div', {}, ...body(resolve, said)));
  }
  return details;
}

function body(resolve, said) {
  const parameters = (said.parameters ?? []).map(resolve);
  return [
    ...prose(said.description),
    ...(said.isSent ? [] : [el('h3', {}, 'Try it'), copied(curl(resolve, said))]),
    ...(parameters.length ? [el('h3', {}, 'Parameters'), el('dl', {}, ...parameters.flatMap((one) => parameter(resolve, one)))] : []),
    ...(said.requestBody ? [el('h3', {}, 'Body'), ...contents(resolve, resolve(said.requestBody))] : []),
    el('h3', {}, 'Responses'),
    ...Object.entries(said.responses ?? {}).map(([status, one]) => response(resolve, status, resolve(one))),
  ];
}

function parameter(resolve, said) {
  const where = `${said.in}${said.required ? ', required' : ''}`;
  return [
    el('dt', {}, el('code', {}, said.name), el('br'), el('span', { class: 'quiet' }, where)),
    el('dd', {}, ...prose(said.description), ...schema(resolve, said.schema)),
  ];
}

function response(resolve, status, said) {
  const isWrong = Number(status) >= 400;
  const title = el('summary', {}, el('code', { class: isWrong ? 'wrong' : '' }, status), ' ', ...inline(said.description));
  const headers = Object.entries(said.headers ?? {}).map(([name, header]) => [name, resolve(header)]);
  const list = headers.flatMap(([name, header]) => [el('dt', {}, el('code', {}, name)), el('dd', {}, ...prose(header.description))]);
  const inside = el('div', {}, ...contents(resolve, said), ...(list.length ? [el('h3', {}, 'Headers'), el('dl', {}, ...list)] : []));
  return el('details', { class: 'answer', open: !isWrong }, title, inside);
}

function contents(resolve, said) {
  return Object.entries(said.content ?? {}).flatMap(([mediaType, content]) => [
    el('p', { class: 'quiet' }, mediaType),
    ...(content.schema ? schema(resolve, content.schema) : []),
    ...Object.values(content.examples ?? {}).map(resolve).map(example),
    ...(content.example === undefined ? [] : [el('h3', {}, 'Example'), copied(pretty(content.example))]),
  ]);
}

const example = ({ summary, value }) =>
  el('details', { class: 'answer' }, el('summary', {}, el('code', {}, value?.type ?? ''), ' ', summary ?? ''), copied(pretty(value)));
