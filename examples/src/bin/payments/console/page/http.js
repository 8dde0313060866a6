// One request and its answer, as they are shown beside each step.

/**
 * Sends a request and reads the whole answer. It never throws: an exchange that came to nothing has an `error`.
 */
export async function exchange({ method = "GET", path, headers = {}, body, signal }) {
    const request = { method, url: new URL(path, location.href).href, headers, body };
    try {
        const response = await fetch(request.url, { method, headers: sent(headers, body), body, signal, cache: "no-store" });
        const text = await response.text();
        return { request, ...head(response), text, json: json(text) };
    } catch (error) {
        const error_ = signal?.aborted ? "given up before an answer came" : `no answer: ${error.message}`;
        return { request, status: 0, headers: new Headers(), text: "", error: error_ };
    }
}

/** Status and headers of an answer. */
export function head(response) {
    return { status: response.status, statusText: response.statusText, headers: response.headers };
}

function sent(headers, body) {
    return body === undefined ? headers : { "content-type": "application/json", ...headers };
}

function json(text) {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** The request as a line for a shell. */
export function curl({ method, url, headers, body }) {
    const usual = body === undefined ? "GET" : "POST";
    const words = [`curl -i${method === usual ? "" : ` -X ${method}`} ${quoted(url)}`];
    for (const [name, value] of Object.entries(headers)) words.push(`-H ${quoted(`${name}: ${value}`)}`);
    if (body !== undefined) words.push(`--json ${quoted(body)}`);
    return words.join(" \\\n    ");
}

function quoted(word) {
    return /^[\w:/.=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What a person is told of an answer that is not as it should be. */
export function refusal({ status, json, error }) {
    if (error) return `${error[0].toUpperCase()}${error.slice(1)}.`;
    const detail = json?.detail ? ` ${json.detail}` : "";
    return `${status} ${json?.title ?? ""}.${detail}`;
}
