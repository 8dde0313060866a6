// One part of the page: its buttons, what it tells, and what went over the wire.

import { byId, el } from "./dom.js";
import { exchange } from "./http.js";
import { show } from "./wire.js";

/**
 * Brings a section to life. Each button with `data-do` runs the action of that name, one at a time.
 * `marked` names the headers to look at.
 */
export function part(id, { marked = [], actions }) {
    const section = byId(id);
    const context = contextOf(section, new Set(marked));
    for (const button of section.querySelectorAll("[data-do]")) {
        button.addEventListener("click", () => run(section, button, () => actions[button.dataset.do](context)));
    }
    return context;
}

/** A button that is switched off keeps its focus, and says why when it is pressed. */
async function run(section, button, action) {
    if (section.getAttribute("aria-busy") === "true") return;
    section.setAttribute("aria-busy", "true");
    try {
        if (button.dataset.off) tell(section, "note", button.dataset.off);
        else await action();
    } catch (error) {
        tell(section, "bad", `This page is at fault: ${error.message}`);
        console.error(error);
    } finally {
        section.removeAttribute("aria-busy");
    }
}

function contextOf(section, marked) {
    const wire = section.querySelector(".exchanges");
    return {
        section,
        find: (selector) => section.querySelector(selector),
        /** Sends a request, and shows it with its answer. */
        async send(request) {
            const done = await exchange(request);
            show(wire, done, marked);
            return done;
        },
        /** Shows an exchange that was made otherwise. */
        show: (done) => show(wire, done, marked),
        good: (...said) => {
            tell(section, "good", ...said);
            laid(section.id);
        },
        bad: (...said) => tell(section, "bad", ...said),
        note: (...said) => tell(section, "note", ...said),
        /** Switches a button off, or on again without a reason. */
        off(name, reason) {
            const button = section.querySelector(`[data-do="${name}"]`);
            button.toggleAttribute("aria-disabled", false);
            if (reason) button.setAttribute("aria-disabled", "true");
            button.dataset.off = reason ?? "";
        },
    };
}

function tell(section, kind, ...said) {
    const told = section.querySelector(".told");
    told.className = `told ${kind}`;
    told.replaceChildren(...said);
}

/** The stone of a part that was seen to work is in the wall. */
function laid(id) {
    const stone = document.querySelector(`.wall a[href="#${id}"]`);
    if (stone.classList.contains("laid")) return;
    stone.classList.add("laid");
    stone.append(el("span", { class: "hidden" }, " (seen)"));
}

export const code = (text) => el("code", {}, text);
export const strong = (text) => el("strong", {}, text);

/** Text in which words between backticks are code. */
export const prose = (text) => text.split("`").map((piece, at) => (at % 2 ? code(piece) : piece));
