// A page of another origin, in a frame of the console. It asks the API what the console tells it to, and says what it may
// read. It asks for nothing but `/v2/account`: under some of its names it is a neighbour of the console, and must not fetch
// for others what is the console's alone.

"use strict";

const names = ["127.0.0.1", "localhost"];
const consoles = names.map((name) => new URL(`http://${name}:${location.port || "80"}`).origin);

addEventListener("message", async ({ data, origin, source }) => {
    if (source !== parent || !consoles.includes(origin)) return;
    source.postMessage(await ask(origin, data), origin);
});

async function ask(api, { ticket, method, headers }) {
    try {
        const response = await fetch(`${api}/v2/account`, { method, headers, cache: "no-store" });
        return { ticket, status: response.status, text: await response.text() };
    } catch (error) {
        return { ticket, error: String(error) };
    }
}
