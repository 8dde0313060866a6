// The same transfer, as clients of two versions see it.

import { authorization, onAccount, order, statement } from "./account.js";
import { random } from "./dom.js";
import { refusal } from "./http.js";
import { code, part, strong } from "./part.js";

let id;

/** A transfer of this account: one for both versions. */
async function transfer({ send, bad }) {
    if (id) return id;
    const headers = { ...authorization(), "idempotency-key": random(12) };
    const done = await send({ method: "POST", path: "/v2/transfers", headers, body: order(25) });
    await statement();
    if (done.status !== 201) bad(refusal(done));
    id = done.json?.id;
    return id;
}

async function see(context, version) {
    if (!(await transfer(context))) return;
    const done = await context.send({ path: `/${version}/transfers/${id}`, headers: authorization() });
    if (done.status !== 200) return context.bad(refusal(done));
    context.find(`[data-version="${version}"] pre`).textContent = JSON.stringify(done.json, null, 2);
    context.find(`[data-version="${version}"]`).hidden = false;
    return done;
}

const date = (time) =>
    time.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

async function old(context) {
    const done = await see(context, "v1");
    if (!done) return;
    const deprecated = new Date(Number(done.headers.get("deprecation")?.slice(1)) * 1000);
    const sunset = new Date(done.headers.get("sunset"));
    context.good(
        strong("v1: an amount is a number. "),
        `Deprecated since ${date(deprecated)}, served until ${date(sunset)}; what follows it stands in `,
        code("link"),
        ".",
    );
}

async function newest(context) {
    const done = await see(context, "v2");
    if (done) context.good(strong("v2: an amount has a currency. "), "It is the newest, so no end is told.");
}

async function torn({ send, good, bad }) {
    const done = await send({ path: "/v1/account?version=2", headers: authorization() });
    if (done.status !== 400) return bad(refusal(done));
    good(strong("Not guessed. "), done.json.detail);
}

export function startVersions() {
    const context = part("versions", {
        marked: ["api-version", "deprecation", "sunset", "link"],
        actions: { old, newest, torn },
    });
    onAccount(() => (id = undefined));
    return context;
}
