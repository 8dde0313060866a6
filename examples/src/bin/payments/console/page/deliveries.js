// Webhooks that go out: where to is judged, and what fails is tried again.

import { authorization, onAccount, order, statement } from "./account.js";
import { receiver } from "./address.js";
import { el, pause, random, uuid } from "./dom.js";
import { exchange, refusal } from "./http.js";
import { code, part, strong } from "./part.js";

/** The first attempts that fail, so that others are seen. */
const FAILURES = 2;

/** All attempts and the pauses between them take some seven seconds. */
const PATIENCE = 60_000;

const METADATA = "https://169.254.169.254/latest/meta-data/";

/** The endpoint of this account that leads to a receiver of the console. */
let endpoint;

const register = (send, url) =>
    send({
        method: "POST",
        path: "/v2/webhook-endpoints",
        headers: { ...authorization(), "idempotency-key": random(12) },
        body: JSON.stringify({ url }),
    });

async function metadata({ send, good, bad }) {
    const done = await register(send, METADATA);
    if (done.status !== 422) return bad(refusal(done));
    good(strong("Refused. "), "A cloud would have handed its keys to whoever asks there. ", code(done.json.type));
}

async function here(context) {
    const { send, good, bad, note } = context;
    if (endpoint) return note("It is registered. Pay, and watch.");
    const id = uuid();
    const done = await register(send, receiver(id));
    if (done.status === 422) {
        return good(
            strong("Refused, as it should be. "),
            "An account must not make this service call what stands behind it. ",
            done.json.detail,
            " To deliver to this page's own receiver, start with ",
            code("WEBHOOK_ALLOW_LOOPBACK=1"),
            ".",
        );
    }
    if (done.status !== 201) return bad(refusal(done));
    const body = JSON.stringify({ secret: done.json.secret, failures: FAILURES });
    const opened = await exchange({ method: "PUT", path: `/console/receivers/${id}`, body });
    if (opened.status !== 204) return bad(refusal(opened));
    endpoint = done.json.id;
    good(strong("Registered. "), "The receiver has the secret, and will fail twice. Pay, and watch.");
}

async function pay(context) {
    const { send, bad, note } = context;
    if (!endpoint) return note("Register the receiver first.");
    const headers = { ...authorization(), "idempotency-key": random(12) };
    const done = await send({ method: "POST", path: "/v2/transfers", headers, body: order(10) });
    await statement();
    if (done.status !== 201) return bad(refusal(done));
    note("Told. Watching what becomes of it…");
    return watch(context, done.json.id);
}

async function watch({ send, show, find, good, bad }, id) {
    const [list, watched, until] = [find(".attempts"), endpoint, performance.now() + PATIENCE];
    while (endpoint === watched && performance.now() < until) {
        const done = await exchange({ path: "/v2/webhook-deliveries", headers: authorization() });
        if (done.status !== 200) return bad(refusal(done));
        const delivery = done.json.data.find((known) => known.id === id && known.endpoint === endpoint);
        const attempts = delivery?.attempts ?? [];
        if (attempts.length !== list.children.length) list.replaceChildren(...attempts.map(attempt));
        if (delivery?.state === "delivered") {
            show(done);
            return good(strong(`Delivered at attempt ${attempts.length}. `), "Every attempt had the same id and a signature of its own.");
        }
        if (delivery?.state === "dead") {
            show(done);
            return bad("It was given up.");
        }
        await pause(300);
    }
    bad("Nothing more was seen of it.");
}

function attempt({ at, status, fault }, index, all) {
    const later = index === 0 ? "at once" : `${((at - all[index - 1].at) / 1000).toFixed(1)} s later`;
    const kind = status >= 200 && status < 300 ? "fine" : "refused";
    return el("li", {}, `Attempt ${index + 1}, ${later}: `, el("b", { class: kind }, String(status ?? fault)));
}

export function startDeliveries() {
    const context = part("deliveries", { marked: ["location"], actions: { metadata, here, pay } });
    onAccount(() => {
        endpoint = undefined;
        context.find(".attempts").replaceChildren();
    });
    return context;
}
