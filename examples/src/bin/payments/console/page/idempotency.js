// One effect and one answer per key.

import { authorization, onAccount, order, statement } from "./account.js";
import { pause, random, short } from "./dom.js";
import { refusal } from "./http.js";
import { code, part, strong } from "./part.js";

/** The last payment, and the one whose answer was lost. */
let paid, lost;

const FIRST = "Pay first: then there is something to send again.";

/** Whose it is, too: another account may have been taken by the time that it is sent again. */
const attempt = () => ({ key: random(12), body: order(100), whose: authorization() });

const payment = ({ key, body, whose }, headers = {}) => ({
    method: "POST",
    path: "/v2/transfers",
    headers: { ...whose, "idempotency-key": key, ...headers },
    body,
});

async function pay({ send, good, bad }) {
    const tried = attempt();
    const done = await send(payment(tried));
    await statement();
    if (done.status !== 201) return bad(refusal(done));
    paid = { ...tried, id: done.json.id };
    good("Paid. Transfer ", code(short(paid.id)), `, balance ${done.json.balance}. Now send the very same again.`);
}

async function again({ send, good, bad, note }) {
    if (!paid) return note(FIRST);
    const done = await send(payment(paid));
    const now = await statement();
    if (done.status !== 201) return bad(refusal(done));
    const replayed = done.headers.get("idempotent-replayed") === "true";
    if (!replayed || done.json.id !== paid.id) return bad("Charged twice!");
    good(
        strong("Replayed, not repeated. "),
        "The same transfer ",
        code(short(done.json.id)),
        `, charged once: ${now.json.transfers} made, balance ${now.json.balance}.`,
    );
}

async function other({ send, good, bad, note }) {
    if (!paid) return note(FIRST);
    const done = await send(payment({ ...paid, body: order(999) }));
    await statement();
    if (done.status !== 422) return bad(refusal(done));
    good(strong("Refused: "), `${done.json.title}. `, code(done.json.type));
}

async function lose({ send, note, bad }) {
    lost = attempt();
    const patience = new AbortController();
    setTimeout(() => patience.abort(), 500);
    const slow = payment(lost, { "x-demo-delay-ms": "3000" });
    const done = await send({ ...slow, signal: patience.signal });
    const now = await statement();
    if (!done.error) return bad(refusal(done));
    note(
        strong("The answer is lost. "),
        `This page gave up after half a second; the money has moved all the same: balance ${now.json?.balance}. `,
        "What would you do? Retry.",
    );
}

async function retry({ send, good, bad, note }) {
    if (!lost) return note("Lose an answer first.");
    for (;;) {
        const done = await send(payment(lost));
        if (done.status === 409 && done.headers.has("retry-after")) {
            const seconds = Number(done.headers.get("retry-after"));
            note(strong("Still running. "), `The service says to come back after ${seconds} s, and does not start it again.`);
            await pause(seconds * 1000);
            continue;
        }
        const now = await statement();
        if (done.status !== 201) return bad(refusal(done));
        return good(
            strong("The lost answer is here. "),
            "Transfer ",
            code(short(done.json.id)),
            `, replayed and charged once: ${now.json.transfers} made, balance ${now.json.balance}.`,
        );
    }
}

export function startIdempotency() {
    onAccount(() => (paid = lost = undefined));
    return part("idempotency", {
        marked: ["idempotent-replayed", "retry-after", "location"],
        actions: { pay, again, other, lose, retry },
    });
}
