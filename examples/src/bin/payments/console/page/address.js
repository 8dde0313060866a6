// The names of this server.

const port = location.port || "80";

/** This server, under another name than this page's. Both lead to this machine; for a browser they are two origins. */
export const otherName = `http://${location.hostname === "localhost" ? "127.0.0.1" : "localhost"}:${port}`;

/** A name that nobody has allowed, unless somebody has. */
export const partner = `http://partner.localhost:${port}`;

/** Where this service reaches itself, as it does any receiver of webhooks. */
export const receiver = (id) => `http://127.0.0.1:${port}/console/receivers/${id}`;
