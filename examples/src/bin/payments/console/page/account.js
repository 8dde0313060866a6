// Who asks: an account with 1000 to begin with. Here the token is the account.

import { byId, random } from "./dom.js";
import { exchange } from "./http.js";

const KEPT = "stonework-account";
const WELL_FORMED = /^[A-Za-z0-9_-]{1,64}$/;

let name = kept();
const listeners = new Set();

/** The one from before the page was loaded again, where the browser keeps such things. */
function kept() {
    try {
        const found = sessionStorage.getItem(KEPT) ?? "";
        if (WELL_FORMED.test(found)) return found;
    } catch {
        // It keeps nothing.
    }
    return `visitor-${random(8)}`;
}

function keep() {
    try {
        sessionStorage.setItem(KEPT, name);
    } catch {
        // Then it is another one next time.
    }
}

/** The header that says who asks. */
export const authorization = () => ({ authorization: `Bearer ${name}` });

export const account = () => name;

/** Runs when another account is taken. */
export const onAccount = (listener) => listeners.add(listener);

/** Asks how the account stands, and shows it. `send` shows the request too. */
export async function statement(send = exchange) {
    const asked = name;
    const done = await send({ path: "/v2/account", headers: authorization() });
    if (done.status === 200 && asked === name) {
        byId("balance").textContent = done.json.balance;
        byId("transfers").textContent = done.json.transfers;
    }
    return done;
}

/** A transfer to bob, of so many dollars. */
export const order = (value) => JSON.stringify({ to: "bob", amount: { value, currency: "USD" } });

function take(other) {
    name = other;
    keep();
    byId("token").value = name;
    for (const listener of listeners) listener();
    return statement();
}

export function startAccount() {
    const [input, hint] = [byId("token"), byId("token-hint")];
    byId("account").addEventListener("submit", (event) => {
        event.preventDefault();
        const fits = WELL_FORMED.test(input.value);
        input.setAttribute("aria-invalid", String(!fits));
        hint.textContent = fits ? "" : "1 to 64 letters, digits, _ and -";
        if (fits) take(input.value);
    });
    byId("another").addEventListener("click", () => take(`visitor-${random(8)}`));
    return take(name);
}
