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
    const before = await statement();
    if (before.status !== 200) return bad(refusal(before));
    const tried = (lost = attempt());
    const patience = new AbortController();
    const slow = payment(tried, { "x-demo-delay-ms": "6000" });
    let came;
    const sent = send({ ...slow, signal: patience.signal }).then((answer) => (came = answer));
    let now = before;
    while (!came && now.status === 200 && now.json.transfers === before.json.transfers) {
        await pause(100);
        now = await statement();
    }
    if (came) return bad(came.status === 201 ? "The answer came before the page gave up." : refusal(came));
    patience.abort();
    await sent;
    if (now.status !== 200) return bad(refusal(now));
    if (lost !== tried) return note("This was another account’s.");
    note(
        strong("The answer is lost. "),
        `This page gave up before it came; the money has moved all the same: balance ${now.json.balance}. `,
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
