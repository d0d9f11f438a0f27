// Common work through @azure/arm-apimanagement: create, read, list, change by ETag, remove. Plain HTTP is impossible for
// this client, so the plane speaks TLS. Arguments: address of the plane, bearer token.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const [url, token, modules] = process.argv.slice(2);
const { ApiManagementClient } = createRequire(join(modules, "x.js"))("@azure/arm-apimanagement");
const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
const client = new ApiManagementClient(credential, "00000000-0000-0000-0000-000000000000", { endpoint: url });
const at = ["rg1", "apim1"];
const fast = { updateIntervalInMs: 1 };

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item.name);
  return found;
}

async function refused(status, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.statusCode, status, error);
    return true;
  });
}

const service = await client.apiManagementService.get(...at);
assert.equal(service.name, "apim1");
assert.deepEqual(await all(client.apiManagementService.list()), ["apim1"]);

const api = { displayName: "Orders", path: "orders", protocols: ["https"], serviceUrl: "http://127.0.0.1:9" };
const made = await client.api.beginCreateOrUpdateAndWait(...at, "orders", api, fast);
assert.equal(made.path, "orders");
const head = await client.api.getEntityTag(...at, "orders");
assert.match(head.eTag, /^"/);
await refused(412, client.api.update(...at, "orders", '"AAAAAAAAAAE="', { description: "x" }));
const changed = await client.api.update(...at, "orders", head.eTag, { description: "An API" });
assert.equal(changed.description, "An API");

await client.apiOperation.createOrUpdate(...at, "orders", "get", {
  displayName: "Get",
  method: "GET",
  urlTemplate: "/items",
});
const policy =
  "<policies><inbound><base /><rate-limit calls=\"5\" renewal-period=\"60\" /></inbound><backend><base /></backend>" +
  "<outbound><base /></outbound><on-error><base /></on-error></policies>";
await client.apiPolicy.createOrUpdate(...at, "orders", "policy", { value: policy, format: "rawxml" });
// The client reads policies as XML and finds nothing in the JSON that the service answers: the text has to do.
let text;
await client.apiPolicy.get(...at, "orders", "policy", {
  format: "rawxml",
  onResponse: (response) => (text = response.bodyAsText),
});
assert.match(JSON.parse(text).properties.value, /rate-limit/);

await client.product.createOrUpdate(...at, "gold", { displayName: "Gold", state: "published" });
await client.productApi.createOrUpdate(...at, "gold", "orders");
assert.equal((await client.productApi.checkEntityExists(...at, "gold", "orders")).body, true);
const subscription = await client.subscription.createOrUpdate(...at, "acme", {
  displayName: "Acme",
  scope: "/products/gold",
  state: "active",
});
assert.equal(subscription.primaryKey.length, 32);
assert.equal((await client.subscription.get(...at, "acme")).primaryKey, undefined);
await client.namedValue.beginCreateOrUpdateAndWait(...at, "nv", { displayName: "nv", value: "v", secret: true }, fast);
assert.equal((await client.namedValue.listValue(...at, "nv")).value, "v");
for (let number = 0; number < 7; number += 1) {
  await client.tag.createOrUpdate(...at, `t${number}`, { displayName: `T${number}` });
}
assert.equal((await all(client.tag.listByService(...at, { top: 2 }))).length, 7);

await client.gateway.createOrUpdate(...at, "edge", { locationData: { name: "Hamburg" } });
await client.gatewayApi.createOrUpdate(...at, "edge", "orders");
const debug = { apiId: "/apis/orders", purposes: ["tracing"], credentialsExpireAfter: "PT5M" };
assert.match((await client.gateway.listDebugCredentials(...at, "edge", debug)).token, /^[\w-]+(\.[\w-]+){2}$/);
await refused(400, client.gateway.listDebugCredentials(...at, "edge", { ...debug, credentialsExpireAfter: "PT2H" }));
await refused(404, client.gateway.listTrace(...at, "edge", { traceId: "none" }));
await client.gateway.invalidateDebugCredentials(...at, "edge");
const since = "timestamp ge datetime'2026-01-01T00:00:00Z'";
assert.deepEqual(await all(client.reports.listByApi(...at, since, { orderby: "callCountTotal desc" })), []);
assert.deepEqual(await all(client.reports.listByTime(...at, since, "PT15M")), []);
assert.deepEqual(await all(client.reports.listByRequest(...at, since)), []);
assert.equal((await client.quotaByCounterKeys.listByService(...at, "boo")).count, 0);
await refused(404, client.quotaByPeriodKeys.update(...at, "boo", "0_PT0S", { callsCount: 0 }));

await refused(400, client.product.delete(...at, "gold", "*"));
await client.product.delete(...at, "gold", "*", { deleteSubscriptions: true });
await client.api.beginDeleteAndWait(...at, "orders", "*", { deleteRevisions: true, ...fast });
await refused(404, client.api.get(...at, "orders"));
await client.namedValue.delete(...at, "nv", "*");
console.log("ok");
