// What went over the wire: each request as curl, and what was answered.

import { el } from "./dom.js";
import { curl } from "./http.js";

/** Older ones are taken away. */
const MOST = 12;

/** Shows an exchange in this list, the newest first and open. `marked` are the headers to look at. */
export function show(list, exchange, marked) {
    for (const other of list.querySelectorAll("details")) other.open = false;
    list.prepend(el("li", {}, entry(exchange, marked)));
    while (list.children.length > MOST) list.lastElementChild.remove();
}

function entry(exchange, marked) {
    const { request } = exchange;
    const { pathname, search } = new URL(request.url);
    const title = el(
        "summary",
        {},
        el("span", { class: "verb" }, request.method),
        el("span", { class: "path" }, pathname + search),
        el("span", { class: `status ${tone(exchange)}` }, exchange.status ? String(exchange.status) : exchange.outcome ?? "no answer"),
    );
    const shell = curl(request);
    return el(
        "details",
        { open: true },
        title,
        el("div", { class: "heading" }, el("h4", {}, "Request"), copy(shell)),
        el("pre", {}, shell),
        el("h4", {}, "Answer"),
        answer(exchange, marked),
    );
}

function tone({ status }) {
    if (!status) return "lost";
    return status < 400 ? "fine" : "refused";
}

/** The headers to look at come first, and the others after them. */
function answer({ status, statusText, headers, text, error }, marked) {
    if (error) return el("pre", {}, error);
    const shown = el("pre", {}, `${status} ${statusText}\n`);
    const others = el("span", { class: "others" });
    for (const [name, value] of headers) {
        if (marked.has(name)) shown.append(el("mark", {}, `${name}: ${value}`), "\n");
        else others.append(`${name}: ${value}\n`);
    }
    shown.append(others);
    if (text) shown.append(`\n${text}`);
    return shown;
}

function copy(text) {
    const button = el("button", { type: "button", class: "copy" }, "Copy");
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(text);
            button.textContent = "Copied";
        } catch {
            button.textContent = "Not allowed";
        }
    });
    return button;
}
