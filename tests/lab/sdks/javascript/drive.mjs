// Makes the calls that standard input lists, one after the other, with AWS's SDK for JavaScript v3. A call is
// {"service", "operation", "input"}; for each, standard output gets {"requestId", "error"} (null when it succeeded).
import { readFileSync } from "node:fs";

const PACKAGES = { events: "eventbridge", logs: "cloudwatch-logs", secretsmanager: "secrets-manager" };
const settings = {
  endpoint: process.env.AWS_ENDPOINT_URL,
  region: process.env.AWS_REGION,
  maxAttempts: 1,
  forcePathStyle: true,
};
const clients = {};

async function clientOf(service) {
  if (!(service in clients)) {
    const module = await import(`@aws-sdk/client-${PACKAGES[service] ?? service}`);
    const name = Object.keys(module).find((each) => /^[A-Z].*Client$/.test(each) && each !== "__Client");
    clients[service] = { module, client: new module[name](settings) };
  }
  return clients[service];
}

const results = [];
for (const { service, operation, input } of JSON.parse(readFileSync(0, "utf8"))) {
  const { module, client } = await clientOf(service);
  try {
    const answer = await client.send(new module[`${operation}Command`](input));
    results.push({ requestId: answer.$metadata.requestId, error: null });
  } catch (error) {
    results.push({ requestId: error.$metadata?.requestId ?? null, error: error.name });
  }
}
console.log(JSON.stringify(results));
