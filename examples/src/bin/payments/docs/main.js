import { el, prose } from './dom.js';
import { matches, operations, resolver, versions } from './document.js';
import { operation } from './operation.js';

const [main, contents, filter, version] = ['main', 'contents', 'filter', 'version'].map((id) => document.getElementById(id));

async function begin() {
  const answer = await fetch('openapi.json');
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  const root = await answer.json();
  const all = operations(root);
  version.append(...versions(all).map((name) => el('option', {}, name)));
  const show = () => write(root, all.filter((one) => matches(one, version.value, filter.value.toLowerCase().split(/\s+/))));
  const follow = () => {
    const wanted = all.find(({ id }) => id === location.hash.slice(1));
    if (!wanted) return;
    if (wanted.version && wanted.version !== version.value) { version.value = wanted.version; show(); }
    const found = document.getElementById(wanted.id);
    if (found) { found.open = true; found.scrollIntoView(); }
  };
  filter.addEventListener('input', show);
  version.addEventListener('change', show);
  addEventListener('hashchange', follow);
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target.matches('input, select')) return;
    event.preventDefault();
    filter.focus();
  });
  show();
  follow();
}

function write(root, shown) {
  const resolve = resolver(root);
  const tags = (root.tags ?? []).map((tag) => [tag, shown.filter(({ tags: of }) => of?.includes(tag.name))]).filter(([, of]) => of.length);
  const section = ([tag, of]) => el('section', {}, el('h2', {}, tag.name), ...prose(tag.description), ...of.map((one) => operation(resolve, one)));
  const nothing = el('p', {}, 'Nothing is called so.');
  main.replaceChildren(...prose(root.info.description), ...(tags.length ? tags.map(section) : [nothing]), el('p', {}, el('a', { href: 'openapi.json' }, 'openapi.json')));
  const link = ({ id, summary, path }) => el('li', {}, el('a', { href: `#${id}` }, summary ?? path));
  const lists = tags.flatMap(([tag, of]) => [el('h2', {}, tag.name), el('ul', {}, ...of.map(link))]);
  const isNarrow = matchMedia('(max-width: 50rem)').matches;
  contents.replaceChildren(...(isNarrow ? [el('details', {}, el('summary', {}, 'Operations'), ...lists)] : lists));
}

begin().catch((error) => main.replaceChildren(el('p', { class: 'wrong', role: 'alert' }, `The document cannot be shown: ${error.message}`)));
