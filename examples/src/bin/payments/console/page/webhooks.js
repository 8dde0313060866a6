// Webhooks that come in: signed in this page as Standard Webhooks has it, and verified by the service.

import { random } from "./dom.js";
import { exchange, refusal } from "./http.js";
import { code, part, strong } from "./part.js";

/** The last webhook that was taken. */
let taken;

const base64 = {
    decode: (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
    encode: (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))),
};

/** Asked each time, and kept nowhere: it is another one after a restart. */
async function secret() {
    const done = await exchange({ path: "/console/webhook-secret" });
    if (done.status !== 200) throw new Error("the secret of this console cannot be read");
    return done.json.secret;
}

async function signature(message) {
    if (!crypto.subtle) throw new Error("this browser signs on http://127.0.0.1, http://localhost and https only");
    const raw = base64.decode((await secret()).replace(/^whsec_/, ""));
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return base64.encode(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(message)));
}

/** With a time of its own: what is delivered again is signed again. */
async function signed({ id, body }) {
    const time = Math.floor(Date.now() / 1000);
    return {
        method: "POST",
        path: "/webhooks/console",
        headers: {
            "webhook-id": id,
            "webhook-timestamp": String(time),
            "webhook-signature": `v1,${await signature(`${id}.${time}.${body}`)}`,
        },
        body,
    };
}

async function count() {
    const done = await exchange({ path: "/webhooks/received" });
    return done.json?.console ?? 0;
}

async function deliver({ send, good, bad }) {
    const webhook = { id: `msg_${random(10)}`, body: JSON.stringify({ type: "invoice.paid", data: { amount: 100 } }) };
    const done = await send(await signed(webhook));
    if (done.status !== 204) return bad(refusal(done));
    taken = webhook;
    good(strong("204: genuine, and handled. "), `This console has sent ${await count()} events that count.`);
}

async function again({ send, good, bad, note }) {
    if (!taken) return note("Send one first.");
    const done = await send(await signed(taken));
    if (done.status !== 200) return bad(refusal(done));
    good(strong("200: known, and not handled again. "), `Still ${await count()} that count. The sender is content, and stops.`);
}

async function tamper({ send, good, bad }) {
    const webhook = { id: `msg_${random(10)}`, body: JSON.stringify({ type: "invoice.paid", data: { amount: 100 } }) };
    const request = await signed(webhook);
    const done = await send({ ...request, body: request.body.replace("100", "100000") });
    if (done.status !== 401) return bad(refusal(done));
    good(strong("401: somebody has changed it. "), "Why is told to nobody but the log. ", code(done.json.type));
}

export function startWebhooks() {
    return part("webhooks", { actions: { deliver, again, tamper } });
}
