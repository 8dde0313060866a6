// Asks a service for its schema as GraphiQL and code generators do, by graphql-js, builds it, and prints it as one line of
// JSON: the SDL, and what the question cost.

import { load } from './modules.mjs';

const { buildClientSchema, getIntrospectionQuery, printSchema, validateSchema } = await load('graphql').then(
  (module) => module.default ?? module,
);

const [url] = process.argv.slice(2);
const answer = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer tool' },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const { data, errors, extensions } = await answer.json();
if (errors) {
  throw new Error(JSON.stringify(errors));
}
const schema = buildClientSchema(data);
const wrong = validateSchema(schema);
if (wrong.length > 0) {
  throw wrong[0];
}
process.stdout.write(`${JSON.stringify({ sdl: printSchema(schema), cost: extensions.cost })}\n`);
