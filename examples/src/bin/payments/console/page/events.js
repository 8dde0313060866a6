// Transfers as they are made, through restarts of the server.

import { authorization, onAccount, order, statement } from "./account.js";
import { el, random } from "./dom.js";
import { refusal } from "./http.js";
import { code, part, strong } from "./part.js";
import { follow } from "./stream.js";

/** Older ones are taken away. */
const MOST = 30;

let stop, reconnect;

async function read(context) {
    if (stop) return context.note("It is being read already.");
    stop = new AbortController();
    const { signal } = stop;
    const reading = follow({ path: "/v2/events", headers: authorization(), signal, on: listener(context) });
    reading.then((ended) => {
        if (signal.aborted) return;
        stop = undefined;
        state(context, "off", "Not reading");
        if (ended) context.bad(refusal(ended));
    });
}

/** What is said of a connection, and of each block that comes over it. */
function listener(context) {
    return {
        open(exchange, after) {
            reconnect = undefined;
            context.show(exchange);
            state(context, "live", "Live");
            if (after === undefined) return context.good(strong("Reading along. "), "Now pay, here or from a shell.");
            log(context, "resumed", `connected again, after ${after}`);
            context.good(strong("Resumed "), "after ", code(after), ". Had anything gone missing, a gap would be told first.");
        },
        block(block) {
            if (block.type === "gap") return gap(context, block);
            if (block.data !== undefined) log(context, block.type ?? "message", block.data, block.id);
        },
        lost(why, milliseconds, now) {
            reconnect = now;
            const seconds = (milliseconds / 1000).toFixed(1);
            state(context, "waiting", "Reconnecting");
            context.note(strong("Reconnecting "), `in ${seconds} s: ${why}.`);
        },
    };
}

/** Who is told of a gap asks for the state of things anew. */
function gap(context, { data, id }) {
    log(context, "gap", data, id);
    const reason = data.match(/"reason":"([a-z]+)"/)?.[1] ?? "unknown";
    context.good(strong("Resumed with a gap "), `(${reason}): the log is another one. So the balance was asked for anew.`);
    statement(context.send);
}

function log({ find }, type, data, id) {
    const list = find(".log");
    const entry = el("li", { class: type }, el("b", {}, type), " ", el("span", {}, data));
    if (id) entry.append(" ", el("code", { class: "id" }, id));
    list.prepend(entry);
    while (list.children.length > MOST) list.lastElementChild.remove();
}

function state({ find }, kind, text) {
    const shown = find(".state");
    shown.className = `state ${kind}`;
    shown.textContent = text;
}

async function pay({ send, bad }) {
    const headers = { ...authorization(), "idempotency-key": random(12) };
    const done = await send({ method: "POST", path: "/v2/transfers", headers, body: order(1) });
    await statement();
    if (done.status !== 201) bad(refusal(done));
}

function end(context, said = "No longer reading. The place is forgotten.") {
    if (!stop) return;
    stop.abort();
    stop = reconnect = undefined;
    state(context, "off", "Not reading");
    context.note(said);
}

function now(context) {
    if (reconnect) reconnect();
    else if (!stop) context.note("Nothing is being read.");
}

export function startEvents() {
    const context = part("events", {
        marked: ["cache-control", "x-accel-buffering"],
        actions: { read, pay, now, end },
    });
    onAccount(() => {
        end(context, "Another account has another stream.");
        context.find(".log").replaceChildren();
    });
    return context;
}
