// A bucket that a visitor can drain.

import { authorization, onAccount } from "./account.js";
import { el, pause } from "./dom.js";
import { refusal } from "./http.js";
import { code, part, strong } from "./part.js";

let size = 5, seconds = 10, level = 5, since = performance.now(), shown;

const ask = (send) => send({ path: "/console/drip", headers: authorization() });

/** `"console";r=3;t=4` and `"console";q=5;w=10`: what is left, and of how much in how many seconds. */
function number(header, name) {
    const found = header?.match(new RegExp(`;${name}=(\\d+)`));
    return found ? Number(found[1]) : undefined;
}

function read({ headers }) {
    const policy = headers.get("ratelimit-policy");
    size = number(policy, "q") ?? size;
    seconds = number(policy, "w") ?? seconds;
    level = number(headers.get("ratelimit"), "r") ?? level;
    since = performance.now();
    draw();
}

/** What has flowed in since, by the rate that the policy tells. */
const now = () => Math.min(size, level + ((performance.now() - since) / 1000) * (size / seconds));

function draw() {
    const full = Math.floor(now());
    if (full === shown) return;
    shown = full;
    const bucket = document.querySelector(".bucket");
    const tokens = Array.from({ length: size }, (_, at) => el("span", { class: at < full ? "full" : "" }));
    bucket.replaceChildren(...tokens);
    bucket.setAttribute("aria-label", `${full} of ${size} left`);
    document.querySelector(".bucket-text").textContent = `${full} of ${size} left`;
}

async function one({ send, good, note, bad }) {
    const done = await ask(send);
    if (done.status === 0 || !done.headers.has("ratelimit")) return bad(refusal(done));
    read(done);
    if (done.status === 429) return note(...limited(done));
    good(strong("Served. "), `${level} left of ${size}: `, code(`ratelimit: ${done.headers.get("ratelimit")}`));
}

function limited(done) {
    const wait = done.headers.get("retry-after");
    return [strong("429: the bucket is empty. "), `${done.json.title}. Come again in ${wait} s, says `, code("retry-after"), "."];
}

async function drain({ send, good, note, bad }) {
    for (let sent = 1; sent <= 50; sent += 1) {
        const done = await ask(send);
        if (done.status === 0 || !done.headers.has("ratelimit")) return bad(refusal(done));
        read(done);
        if (done.status !== 429) continue;
        note(...limited(done), " Waiting just as long…");
        await pause(Number(done.headers.get("retry-after")) * 1000);
        const next = await ask(send);
        read(next);
        if (next.status === 429) return bad("It is still empty.");
        return good(
            strong("Drained, and refilled. "),
            `Request ${sent} was refused; after the ${done.headers.get("retry-after")} s that the service named, one more was served.`,
        );
    }
    bad("It cannot be drained.");
}

export function startLimits() {
    onAccount(() => {
        level = size;
        since = performance.now();
        draw();
    });
    setInterval(draw, 200);
    draw();
    return part("limits", {
        marked: ["ratelimit", "ratelimit-policy", "retry-after"],
        actions: { one, drain },
    });
}
