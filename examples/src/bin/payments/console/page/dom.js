// What is shown is text, whoever said it: nothing here makes HTML of a string.

/** An element with attributes, and with what is in it: elements, or text. */
export function el(tag, attributes = {}, ...content) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...content.filter((part) => part !== undefined));
    return made;
}

export const byId = (id) => document.getElementById(id);

/** Of 128 bits, for keys and ids. `crypto.randomUUID` is there on a secure page only. */
export function random(length = 32) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, length);
}

/** Like `random`, in the form of a UUID. */
export function uuid() {
    const text = random();
    const variant = "89ab"[parseInt(text[16], 16) % 4];
    return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
}

/** Ready after this time, or when the signal says so. */
export function pause(milliseconds, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
        });
    });
}

export const short = (id) => (id.length > 13 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id);
