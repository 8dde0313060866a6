// A reader of event streams. `EventSource` cannot say who asks; this one sends a header, and does all else as that does.

import { head } from "./http.js";
import { pause } from "./dom.js";

/** Without a word for so long, comments included, a connection is given up. The service says something every 15 s. */
const SILENCE = 45_000;
const SHORTEST = 500;
const LONGEST = 10_000;

/** Makes blocks of an event stream (HTML, "server-sent events"), however it is cut into pieces. */
export class Decoder {
    #rest = "";
    #lines = [];

    /** The blocks that end in this piece: `{id, type, data, retry}`, each of which may be missing. */
    *push(text) {
        const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
        this.#rest = lines.pop();
        for (const line of lines) {
            if (line !== "") this.#lines.push(line);
            else if (this.#lines.length > 0) yield block(this.#lines.splice(0));
        }
    }
}

function block(lines) {
    const said = { data: undefined };
    for (const line of lines) {
        const [, name, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
        if (name === "data") said.data = said.data === undefined ? (value ?? "") : `${said.data}\n${value ?? ""}`;
        if (name === "event") said.type = value;
        if (name === "id" && !value?.includes("\0")) said.id = value ?? "";
        if (name === "retry" && /^\d+$/.test(value ?? "")) said.retry = Number(value);
    }
    return said;
}

/**
 * Follows a stream until the signal ends it, through whatever comes between.
 *
 * `on.open(exchange, after)` when it is answered, `on.block(block)` for each block, and `on.lost(why, wait, now)` when the
 * connection is: it comes back after `wait` ms, or when `now()` is called. It returns an exchange that is no stream.
 */
export async function follow({ path, headers, signal, on }) {
    let after, told, failures = 0;
    while (!signal.aborted) {
        let why = "the stream has ended";
        try {
            const request = { method: "GET", url: new URL(path, location.href).href, headers: asked(headers, after) };
            const response = await open(request, signal);
            const exchange = { request, ...head(response.answer), text: "" };
            if (!isStream(response.answer)) {
                const ended = await refused(response.answer, exchange);
                if (ended) return ended;
                why = `answered ${exchange.status}`;
            } else {
                failures = 0;
                told = undefined;
                on.open(exchange, after);
                for await (const block of response.blocks()) {
                    if (block.id !== undefined) after = block.id;
                    told = block.retry ?? told;
                    on.block(block);
                }
            }
        } catch (error) {
            if (signal.aborted) return;
            why = error.message;
        }
        if (signal.aborted) return;
        await wait(why, told ?? backoff(failures), signal, on);
        failures += 1;
    }
}

const asked = (headers, after) => ({
    accept: "text/event-stream",
    ...headers,
    ...(after === undefined ? {} : { "last-event-id": after }),
});

const isStream = (answer) =>
    answer.status === 200 && answer.headers.get("content-type")?.startsWith("text/event-stream");

/** An answer that another try does not change. */
async function refused(answer, exchange) {
    const text = await answer.text();
    return answer.status >= 500 || answer.status === 429 ? undefined : { ...exchange, text };
}

async function open({ url, headers }, signal) {
    const patience = new AbortController();
    const give_up = () => patience.abort(new Error("nothing came for a while"));
    let timer = setTimeout(give_up, SILENCE);
    const both = AbortSignal.any([signal, patience.signal]);
    const answer = await fetch(url, { headers, signal: both, cache: "no-store" });
    async function* blocks() {
        const decoder = new Decoder();
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        try {
            for (;;) {
                clearTimeout(timer);
                timer = setTimeout(give_up, SILENCE);
                const { done, value } = await reader.read();
                if (done) return;
                yield* decoder.push(value);
            }
        } finally {
            clearTimeout(timer);
            patience.abort();
        }
    }
    return { answer, blocks };
}

/** Twice as long each time, and never all at once. */
function backoff(failures) {
    const longest = Math.min(LONGEST, SHORTEST * 2 ** failures);
    return longest / 2 + (Math.random() * longest) / 2;
}

async function wait(why, milliseconds, signal, on) {
    const waiting = new AbortController();
    on.lost(why, milliseconds, () => waiting.abort());
    await pause(milliseconds, AbortSignal.any([signal, waiting.signal]));
}
