// What npm's `open311` does with a city: all its methods, by JSON. Run by `python -m tests.clients`, with an address
// and a key.
const assert = require("assert");
const { promisify } = require("util");
const Open311 = require("open311");

const [url, key] = process.argv.slice(2);
const city = new Open311({ discovery: url + "/discovery.json", jurisdiction: "tehran.ir", apiKey: key });
const ask = (method, ...given) => promisify(city[method].bind(city))(...given);

async function main() {
  const discovery = await ask("serviceDiscovery", { cache: true });
  assert.strictEqual(discovery.endpoints.length, 1);
  assert.strictEqual(city.endpoint, url + "/");
  const services = await ask("serviceList");
  assert(services.some((service) => service.service_code === "TT-BUS"));
  const definition = await ask("serviceDefinition", "TT-BUS");
  assert.strictEqual(definition.attributes[0].code, "LINE");
  const report = { service_code: "TT-BUS", lat: 35.7, long: 51.4, description: "اتوبوس", attributes: { LINE: "7" } };
  const [made] = await ask("submitRequest", report);
  const id = made.service_request_id;
  assert.deepStrictEqual(await ask("token", id), [{ service_request_id: id, token: id }]);
  const [request] = await ask("serviceRequests", id);
  assert(request.requested_datetime instanceof Date && !isNaN(request.requested_datetime));
  const open = await ask("serviceRequests", { status: "open", service_code: "TT-BUS" });
  assert(open.some((one) => one.service_request_id === id));
  assert.strictEqual((await ask("serviceRequests", [id, "0000000000"])).length, 1);
  await assert.rejects(ask("submitRequest", { service_code: "NO-SUCH" }));
  console.log("open311 0.0.12: discovery, services, a definition, a report, its token, one request, lists, an error");
}

main().catch((error) => { console.error(error); process.exit(1); });
