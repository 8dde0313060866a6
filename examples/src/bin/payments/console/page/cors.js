// Pages of other origins, in frames: what they may read, and why not.

import { authorization } from "./account.js";
import { otherName, partner } from "./address.js";
import { byId, el, random } from "./dom.js";
import { exchange } from "./http.js";
import { code, part, prose, strong } from "./part.js";

/** A frame that is not there by then does not come: not every browser finds `partner.localhost`. */
const PATIENCE = 8_000;

const PAGES = {
    other: { origin: otherName, url: `${otherName}/console/probe` },
    partner: { origin: partner, url: `${partner}/console/probe` },
    sandbox: { origin: "null", url: "/console/probe", sandbox: "allow-scripts" },
};

const CALLS = {
    plain: () => ({ method: "GET", headers: authorization() }),
    secret: () => ({ method: "GET", headers: { ...authorization(), "x-secret": "1" } }),
    put: () => ({ method: "PUT", headers: authorization() }),
};

async function call(context) {
    const page = PAGES[context.find("[name=page]:checked").value];
    const asked = CALLS[byId("call").value]();
    const seen = await inFrame(page, asked);
    if (!seen) return context.bad(`No page of origin ${page.origin} came up. Does this browser know that name?`);
    const told = await explained(page.origin, asked);
    context.show(wired(page.origin, asked, seen, told));
    context.find(".why").textContent = told ? told.map((report) => `${report.what}: ${report.text}`).join("\n\n") : "";
    context.find(".why-box").hidden = !told;
    if (!seen.error) {
        const read = strong(`A page of origin ${page.origin} may read it: ${seen.status}. `);
        return context.good(read, "The policy allows that origin.");
    }
    const denial = told?.find((report) => !report.allowed);
    context.good(
        strong("Kept from the page. "),
        `All that a page of origin ${page.origin} is told: `,
        code(seen.error),
        ...(denial ? [". You, who run the service, are told more: ", code(denial.reason), ". ", ...prose(denial.advice)] : ["."]),
    );
}

/** Runs a request in a page of another origin. */
async function inFrame({ origin, url, sandbox }, asked) {
    const frame = el("iframe", { src: url, sandbox, title: `A page of ${origin}`, class: "frame", tabindex: "-1" });
    const loaded = event(frame, "load");
    byId("frames").replaceChildren(frame);
    if (!(await loaded)) return undefined;
    const ticket = random(12);
    const mine = ({ source, data }) => source === frame.contentWindow && data?.ticket === ticket;
    const answered = event(window, "message", mine);
    // A sandboxed page has no origin that could be named.
    frame.contentWindow.postMessage({ ticket, ...asked }, sandbox ? "*" : origin);
    const answer = (await answered)?.data;
    frame.remove();
    return answer;
}

function event(target, name, wanted = () => true) {
    return new Promise((resolve) => {
        const listen = (event) => wanted(event) && done(event);
        const timer = setTimeout(() => done(undefined), PATIENCE);
        function done(event) {
            clearTimeout(timer);
            target.removeEventListener(name, listen);
            resolve(event);
        }
        target.addEventListener(name, listen);
    });
}

/** Why, for this page alone: no other origin can read it. */
async function explained(origin, { method, headers }) {
    const asked = new URLSearchParams({ origin, method, headers: Object.keys(headers).join(",") });
    const done = await exchange({ path: `/console/explain?${asked}` });
    return done.status === 200 ? done.json : undefined;
}

/** The question that the browser asked, or the request: whichever settled it. */
function wired(origin, { method, headers }, seen, told) {
    const url = `${location.origin}/v2/account`;
    const lost = { status: 0, outcome: "kept back", headers: [], error: seen.error };
    if (told?.[0].what === "preflight" && !told[0].allowed) {
        const names = Object.keys(headers).sort().join(",");
        const question = { origin, "access-control-request-method": method, "access-control-request-headers": names };
        return { request: { method: "OPTIONS", url, headers: question }, ...lost };
    }
    const request = { method, url, headers: { origin, ...headers } };
    if (seen.error) return { request, ...lost };
    return { request, status: seen.status, statusText: "(read by the frame)", headers: [], text: seen.text };
}

export function startCors() {
    byId("origin-other").textContent = otherName;
    byId("origin-partner").textContent = partner;
    return part("cors", { actions: { call } });
}
