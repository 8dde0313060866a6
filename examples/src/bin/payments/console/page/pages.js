// A list, page by page, by the links of the answers.

import { authorization, onAccount, order, statement } from "./account.js";
import { el, random, short } from "./dom.js";
import { refusal } from "./http.js";
import { code, part, strong } from "./part.js";

const LIMIT = 3;
const ENOUGH = 7;

/** Where the last answer says that the next page is, and how many pages were read. */
let next, read = 0;

/** The target of `rel="next"`, if it leads to this server. */
export function nextOf(link) {
    const found = link?.match(/<([^>]*)>\s*;[^,]*\brel="?next"?/);
    const url = found && new URL(found[1], location.href);
    return url?.origin === location.origin ? url.pathname + url.search : undefined;
}

async function fill({ send, good, bad }) {
    let made = (await statement()).json?.transfers ?? 0;
    for (; made < ENOUGH; made += 1) {
        const headers = { ...authorization(), "idempotency-key": random(12) };
        const done = await send({ method: "POST", path: "/v2/transfers", headers, body: order(made + 1) });
        if (done.status !== 201) return bad(refusal(done));
    }
    await statement();
    good(`There are ${made} transfers to page through. Begin with the first page.`);
}

async function first(context) {
    read = 0;
    const sort = context.find("select").value;
    return page(context, `/v2/transfers?limit=${LIMIT}&sort=${sort}`);
}

async function following(context) {
    if (!next) return context.note(read ? "That was the last page. Begin again with the first." : "Begin with the first page.");
    return page(context, next);
}

async function page({ send, find, good, bad, note }, path) {
    const done = await send({ path, headers: authorization() });
    if (done.status !== 200) return bad(refusal(done));
    read += 1;
    next = nextOf(done.headers.get("link"));
    const rows = done.json.data;
    find("tbody").replaceChildren(...rows.map(row));
    find("table").hidden = rows.length === 0;
    if (rows.length === 0) return note("There are none yet. Make some.");
    good(
        strong(`Page ${read}. `),
        ...(next ? ["The next is behind ", code('rel="next"'), ", whose cursor is signed."] : ["No ", code("link"), ": it is the last."]),
    );
}

const row = ({ id, to, amount }) =>
    el("tr", {}, el("td", {}, code(short(id))), el("td", {}, to), el("td", { class: "number" }, String(amount.value)));

export function startPages() {
    onAccount(() => {
        [next, read] = [undefined, 0];
    });
    return part("pages", { marked: ["link"], actions: { fill, first, following } });
}
