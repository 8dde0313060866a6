// Elements, made of texts and never of markup: what a document says stays a text.

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ''));
  return element;
}

/** Of Markdown: `code`, and paragraphs. */
export function prose(text = '') {
  return text.split('\n\n').map((paragraph) => el('p', {}, ...inline(paragraph)));
}

export function inline(text = '') {
  return text.split('`').map((part, at) => (at % 2 ? el('code', {}, part) : part));
}

/** A text with a button that copies it. */
export function copied(text) {
  const button = el('button', { type: 'button', onclick: copy }, 'Copy');
  async function copy() {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  }
  return el('div', { class: 'copied' }, el('pre', { tabindex: 0 }, text), button);
}

export const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));
