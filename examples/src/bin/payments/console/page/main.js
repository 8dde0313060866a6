// Starts all parts, and says which of them are off.

import { startAccount } from "./account.js";
import { byId } from "./dom.js";
import { startCors } from "./cors.js";
import { startDeliveries } from "./deliveries.js";
import { startEvents } from "./events.js";
import { exchange } from "./http.js";
import { startIdempotency } from "./idempotency.js";
import { startLimits } from "./limits.js";
import { startPages } from "./pages.js";
import { startVersions } from "./versions.js";
import { startWebhooks } from "./webhooks.js";

const DEMO_OFF = "This is off: the service was started with DEMO=0.";
const LOOPBACK_OFF = "This is off: start the service with WEBHOOK_ALLOW_LOOPBACK=1.";

const parts = {
    idempotency: startIdempotency(),
    limits: startLimits(),
    cors: startCors(),
    webhooks: startWebhooks(),
    deliveries: startDeliveries(),
};
startPages();
startVersions();
startEvents();

const NEEDS_DEMO = {
    idempotency: ["lose", "retry"],
    limits: ["one", "drain"],
    cors: ["call"],
    webhooks: ["deliver", "again", "tamper"],
    deliveries: ["pay"],
};

/** What the service has switched on. Without `DEMO=1` it does not say. */
async function about() {
    const { status, json } = await exchange({ path: "/console/about" });
    if (status === 200) return json;
    if (status === 404) return undefined;
    throw new Error(status === 403 ? "open this page as http://127.0.0.1 or http://localhost" : "the service does not answer");
}

function kept({ redis, file }) {
    if (!redis && !file) return "All is kept in memory here, and gone with the process.";
    return `Keys, limits and events are kept in ${redis ? "Redis" : "memory"}, the ledger in ${file ? "a file" : "memory"}.`;
}

function say(known) {
    byId("mode").textContent = known ? kept(known) : "DEMO=0: failures to order, and what only this page asks for, are off.";
    byId("restart").textContent = known?.redis && known.file ? "it goes on where it was" : "it is told of a gap";
    for (const [id, names] of Object.entries(NEEDS_DEMO)) {
        for (const name of names) parts[id].off(name, known ? undefined : DEMO_OFF);
    }
    if (known && !known.loopback) parts.deliveries.off("pay", LOOPBACK_OFF);
}

try {
    say(await about());
} catch (error) {
    byId("mode").textContent = `Some parts do not work: ${error.message}.`;
}
await startAccount();
document.documentElement.dataset.ready = "";
